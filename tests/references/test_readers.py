"""Files as programs, spreadsheets and people write them are read as they are meant, or refused; never misread."""

from __future__ import annotations

import gzip
from pathlib import Path

import gsd.hoomd
import numpy as np
import pytest

from softal.errors import SoftalError
from softal.references import load_reference
from softal.references.readers import read_table

LAMMPS = Path(__file__).parents[1] / "data" / "lammps"  # what LAMMPS 22 Jul 2025 wrote
R = 0.5 + np.arange(12)
ROWS = "".join(f"{r} {r + 1}\n" for r in R)


def of(folder: Path, text: str | bytes, name: str = "g.dat"):
    content = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(content)
    return read_table(folder / name)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(ROWS.encode()),
        b"\xef\xbb\xbf" + ROWS.encode(),
        ("# r (Å)\n" + ROWS).encode("utf-16"),
        "# Schürmann, 20 °C\n".encode("latin-1") + ROWS.encode(),
        ROWS.replace("\n", "\r").encode(),
        ROWS.replace("\n", "\r\n").encode(),
        ROWS.replace(".5", ".5D+00").encode(),
        ("! made by me\n// on Monday\n" + ROWS).encode(),
        ("% r g\n" + ROWS).encode(),
        "".join(f'"{r}","{r + 1}"\n' for r in R).encode(),
        "".join(f'"{r}"  "{r + 1}"\n' for r in R).encode(),
        "".join(f"{r},{r + 1},\n" for r in R).encode(),
        "".join(f"{r} {r + 1} # checked\n" for r in R).encode(),
        "".join(f"{r}\t {r + 1}\n" for r in R).encode(),
    ],
)
def test_every_way_of_writing_the_same_table(content: bytes, tmp_path: Path) -> None:
    table = of(tmp_path, content)
    assert len(table.columns) == 2
    np.testing.assert_array_equal(table.columns, [R, R + 1])


@pytest.mark.parametrize(
    ("row", "numbers"),
    [
        ("1,234.5;2.25", (1234.5, 2.25)),
        ('"1,234.5","2.25"', (1234.5, 2.25)),
        ("1.234,5;2,25", (1234.5, 2.25)),
        ('"1234,5";"2,25"', (1234.5, 2.25)),
        ("1,234,567 2", (1234567, 2)),
        ("0,001 2,002", (0.001, 2.002)),
        ("1.001;2.002", (1.001, 2.002)),
        ("1;2,5e-3", (1, 0.0025)),
        ("1, 2", (1, 2)),
    ],
)
def test_commas_and_points_by_their_places(row: str, numbers: tuple[float, float], tmp_path: Path) -> None:
    np.testing.assert_array_equal(of(tmp_path, f"{row}\n" * 3).columns, np.transpose([numbers] * 3))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("r;g\n1;1,001\n2;1,002\n", "line 2 has the number '1,001': it is not certain what its commas mean"),
        ("1,001 2,002\n1,003 2,004\n", "line 1 has the number '1,001'"),
        ("0,5;1.25\n1,5;2.25\n", "it has decimal commas, such as in line 1, beside decimal points"),
        ("0,25,0,0309\n0,50,0,1179\n", "line 1 has a number that begins with 0 after a comma"),
        ("r,g\n1,5,2,5\n2,5,3,5\n", "its header 'r,g' does not name 4 columns, as many as line 2 has"),
        ("1,5,2,5\n2,5,3,5\n", "line 1 has 4 whole numbers between commas, and no names"),
        ("1,234.5;2\n1,5;3\n", "it is not certain"),
        ("1_000 2\n", r"line 1 is not 2 numbers|it has no lines"),
        ("1 2\n1 x\n", "line 2 is not 2 numbers: '1 x'"),
        ("# r [nm] g\n# made today by me\n" + ROWS.replace("\n", " 1\n"), "3 columns without names"),
        ("# r_nm g\n# made today\n" + ROWS, "two of its comments may name the columns, and one has units"),
        ("r_nm g\nangstrom -\n" + ROWS, "its column 'r_nm' has the unit 'angstrom' under it"),
        ("r,g,g\n" + ROWS.replace("\n", " 1\n").replace(" ", ","), r"the column 'g' 2 times"),
    ],
)
def test_what_is_not_certain_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "g.dat").write_text(text)
    with pytest.raises(SoftalError, match=said):
        load_reference("g", tmp_path / "g.dat")


def test_columns_that_are_empty_do_not_shift_the_others(tmp_path: Path) -> None:
    table = of(tmp_path, "r,a,g\n" + "".join(f"{r},,{r + 1}\n" for r in R))
    assert table.labels == ("r", "g")
    np.testing.assert_array_equal(table.columns[1], R + 1)
    half = of(tmp_path, "r,a,g\n" + "".join(f"{r},{'' if r < 3 else r},{r + 1}\n" for r in R))
    assert np.isnan(half.columns[1]).sum() == 3


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        ("r,g\nnm,-\n", "nm"),
        ("r,g\n(nm),()\n", "nm"),
        ("# r g\n# nm 1\n", "nm"),
        ("#! FIELDS r g\n", ""),
        ("# r [nm]   g(r)\n", "nm"),
        ("Liquid water\nr;g\n[nm];[-]\n", "nm"),
    ],
)
def test_names_and_units_wherever_they_stand(head: str, unit: str, tmp_path: Path) -> None:
    (tmp_path / "g.dat").write_text(head + ROWS)
    reference = load_reference("g", tmp_path / "g.dat")
    assert reference.grid_unit == unit
    assert read_table(tmp_path / "g.dat").names[0] == "r"


def test_several_columns_without_names_are_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "g.dat").write_text("".join(f"{r} {r + 1} {r + 2} {r + 3}\n" for r in R))
    with pytest.raises(SoftalError, match="it has 4 columns without names; `columns:"):
        load_reference("g", tmp_path / "g.dat")
    np.testing.assert_array_equal(load_reference("g", tmp_path / "g.dat", columns=(0, 3)).values, R + 3)


def test_rows_that_votca_flags_as_undefined_do_not_count(tmp_path: Path) -> None:
    table = of(tmp_path, "".join(f"{r} {r + 1} {'u' if r < 3 else 'i'}\n" for r in R), "CG-CG.dist.tgt")
    np.testing.assert_array_equal(table.columns, [R[3:], R[3:] + 1])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x00\x01\x02 1 2\n", "line 1 is no text"),
        (gzip.compress(b"1 2\n" * 99)[:-9], "it is damaged"),
        (b"", "no lines"),
    ],
)
def test_what_is_no_text(content: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        of(tmp_path, content)


# GROMACS.

ENERGY = """\
@    xaxis  label "Time (ps)"
@    yaxis  label "{axis}"
@TYPE xy
@ s0 legend "{first}"
@ s1 legend "Temperature"
0.0 -1.0 300.0
1.0 -1.5 301.0
"""


@pytest.mark.parametrize(
    ("axis", "units"), [("(kJ/mol), (K)", ("kJ/mol", "K")), ("(K)", ("K", "K")), ("(kJ/mol), (K), (bar)", ("", ""))]
)
def test_units_of_gmx_energy(axis: str, units: tuple[str, str], tmp_path: Path) -> None:
    table = of(tmp_path, ENERGY.format(axis=axis, first="Potential"), "energy.dat")  # by what is in it
    assert table.names == ("Time", "Potential", "Temperature")
    assert (table.unit(0), table.unit(1), table.unit(2)) == ("ps", *units)
    assert table.series
    assert table.find("temperature") == 2


# LAMMPS: the files are of a melt of 256 atoms, as its manual writes such fixes.


def test_blocks_of_ave_time() -> None:
    table = read_table(LAMMPS / "rdf.dat")
    assert table.labels == ("Row", "c_rdf[1]", "c_rdf[2]", "c_rdf[3]")
    assert table.blocks is not None
    assert table.blocks.shape == (4, 20, 4)
    np.testing.assert_allclose(table.columns[2], table.blocks[:, :, 2].mean(axis=0))
    assert table.columns[1][:2] == pytest.approx([0.0625, 0.1875])


def test_blocks_are_a_reference_by_their_means() -> None:
    reference = load_reference("g_r", LAMMPS / "rdf.dat", columns=("c_rdf[1]", "c_rdf[2]"))
    np.testing.assert_allclose(reference.values, read_table(LAMMPS / "rdf.dat").blocks[:, :, 2].mean(axis=0))


def test_blocks_of_ave_chunk_and_ave_histo() -> None:
    chunk, histogram = read_table(LAMMPS / "chunk.dat"), read_table(LAMMPS / "histo.dat")
    assert chunk.labels == ("Chunk", "Coord1", "Ncount", "density/number")
    assert chunk.columns[3].mean() == pytest.approx(0.8)  # as the lattice had it
    assert histogram.columns[3].sum() == pytest.approx(1)
    assert (len(chunk.blocks), len(histogram.blocks)) == (4, 4)


def test_correlations_count_where_they_were_sampled() -> None:
    """The first block of ave/correlate has but one sample; with `ave running` the last one has those of all."""
    one, running = read_table(LAMMPS / "corr.dat"), read_table(LAMMPS / "corr_run.dat")
    assert one.blocks.shape == (4, 10, 4)
    assert running.blocks.shape == (1, 10, 4)
    assert running.columns[2][0] == 81
    # The mean over the blocks of 21 samples each is that of all of them, but for the first one.
    assert one.columns[3][0] == pytest.approx(running.columns[3][0], rel=0.02)


def test_a_table_of_whole_numbers_is_no_block(tmp_path: Path) -> None:
    table = of(tmp_path, "0 5\n" + "".join(f"{i} {i * i}\n" for i in range(1, 6)))
    assert table.blocks is None
    np.testing.assert_array_equal(table.columns[1], [5, 1, 4, 9, 16, 25])


def test_a_block_that_is_not_complete(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has 18 of 20 rows: its end is missing"):
        of(tmp_path, "\n".join((LAMMPS / "rdf.dat").read_text().splitlines()[:-2]))


def test_the_last_runs_thermo_table(tmp_path: Path) -> None:
    table = read_table(LAMMPS / "log.lammps")
    assert table.labels == ("Step", "Temp", "PotEng", "Press", "Density")
    assert table.columns[0][[0, -1]].tolist() == [200, 600]
    assert [table.find(name) for name in ("step", "temp", "pe", "press", "Density")] == [0, 1, 2, 3, 4]
    lines = (LAMMPS / "log.lammps").read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.split()[:1] == ["400"])
    lines.insert(at, "WARNING: Inconsistent image flags (src/domain.cpp:819)")
    with_warning = of(tmp_path, "\n".join(lines), "log.lammps")
    np.testing.assert_array_equal(with_warning.columns, table.columns)


YAML = """\
LAMMPS (22 Jul 2025)
Per MPI rank memory allocation (min/avg/max) = 3 | 3 | 3 Mbytes
---
keywords: ['Step', 'Temp', ]
data:
  - [0, 1.5, ]
  - [10, 1.25, ]
...
Loop time of 0.1 on 1 procs for 10 steps with 256 atoms
"""


def test_thermo_style_yaml(tmp_path: Path) -> None:
    table = of(tmp_path, YAML, "log.lammps")
    assert table.labels == ("Step", "Temp")
    np.testing.assert_array_equal(table.columns, [[0, 10], [1.5, 1.25]])


def test_a_log_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no thermo table"):
        of(tmp_path, "LAMMPS (22 Jul 2025)\nERROR: Unknown command\n", "log.lammps")


# HOOMD-blue.


def test_logs_in_gsd_are_series(tmp_path: Path) -> None:
    with gsd.hoomd.open(tmp_path / "log.gsd", "w") as file:
        for step in range(5):
            frame = gsd.hoomd.Frame()
            frame.configuration.step = 10 * step
            frame.log["md/compute/ThermodynamicQuantities/pressure"] = [0.5 * step]
            file.append(frame)
    table = read_table(tmp_path / "log.gsd")
    assert table.series
    np.testing.assert_array_equal(table.columns[table.find("step")], [0, 10, 20, 30, 40])
    np.testing.assert_array_equal(table.columns[table.find("pressure")], 0.5 * np.arange(5))
    (tmp_path / "bad.gsd").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="it is no GSD file"):
        read_table(tmp_path / "bad.gsd")
