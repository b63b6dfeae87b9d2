"""References in every format, and one line for each thing that can be wrong with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal.errors import InvalidObservation, SoftalError
from softal.references import Reference, load_reference
from softal.trial import Array

R = np.linspace(0.5, 6.0, 12)
G = 1 + np.exp(-R)
H = 2 + np.sin(R)


def table(*columns: Any, head: str = "", separator: str = ",") -> str:
    return head + "".join(
        separator.join(f"{float(cell)!r}" for cell in row) + "\n" for row in zip(*columns, strict=True)
    )


def written(folder: Path, text: str, name: str = "g.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


XVG = """\
# gmx rdf
@    title "Radial distribution"
@    xaxis  label "r (nm)"
@    yaxis  label "g(r)"
@TYPE xy
@ legend on
@ s0 legend "Si-O"
@ s1 legend "O-O"
"""


@pytest.mark.parametrize(
    ("head", "separator", "columns"),
    [
        ("", ",", None),
        ("# by hand\nr_angstrom,g\n", ",", None),
        ("r;g\n", ";", ("r", "g")),
        ("r [angstrom]\tg(r)\n", "\t", ("r", "g(r)")),
        ("r (angstrom)  g (r)\n", "  ", ("r (angstrom)", 1)),
        ("# r g\n", " ", (0, 1)),
    ],
)
def test_text(head: str, separator: str, columns: Any, tmp_path: Path) -> None:
    reference = load_reference("g", written(tmp_path, table(R, G, head=head, separator=separator)), columns=columns)
    np.testing.assert_array_equal(reference.grid, R)
    np.testing.assert_array_equal(reference.values, G)
    assert reference.grid_unit == ("angstrom" if "angstrom" in head else "")
    assert reference.value_unit == ""


def test_xvg(tmp_path: Path) -> None:
    path = written(tmp_path, table(R / 10, G, H, head=XVG, separator="  "), "rdf.xvg")
    reference = load_reference("g_OO", path, columns=("r", "O-O"), range=(0.1, 0.6))
    np.testing.assert_array_equal(reference.values, H)
    assert reference.grid_unit == "nm"
    converted = reference.converted("angstrom")
    np.testing.assert_allclose(converted.grid, R, rtol=1e-14)
    np.testing.assert_allclose(converted.range, (1, 6))
    assert converted.grid_unit == "angstrom"


def test_xvg_of_one_curve_without_a_legend(tmp_path: Path) -> None:
    head = '@ xaxis label "r (nm)"\n@ yaxis label "g(r)"\n'
    path = written(tmp_path, table(R, G, head=head, separator=" "), "rdf.xvg")
    np.testing.assert_array_equal(load_reference("anything", path).values, G)
    np.testing.assert_array_equal(load_reference("anything", path, columns=(0, "g(r)")).values, G)


def test_npy_and_npz(tmp_path: Path) -> None:
    np.save(tmp_path / "g.npy", np.column_stack([R, G, H]))
    np.savez(tmp_path / "block.npz", np.column_stack([R, G, H]))
    np.savez(tmp_path / "named.npz", r_nm=R, g_SiO=G, g_OO=H, comment="made by hand")
    np.testing.assert_array_equal(load_reference("g", tmp_path / "g.npy").values, G)
    np.testing.assert_array_equal(load_reference("g", tmp_path / "block.npz", columns=(0, 2)).values, H)
    named = load_reference("g_OO", tmp_path / "named.npz")
    np.testing.assert_array_equal(named.values, H)
    assert named.grid_unit == "nm"
    np.testing.assert_array_equal(load_reference("x", tmp_path / "named.npz", columns=("r", "g_SiO")).values, G)


def test_the_column_of_the_arrays_name(tmp_path: Path) -> None:
    path = written(tmp_path, table(R, G, H, H, head="r,g_SiO,g_OO,g_SiO_error\n"))
    np.testing.assert_array_equal(load_reference("g_OO", path).values, H)
    only = written(tmp_path, table(R, H, G, head="q,F(Q),standard_error\n"), "f.csv")
    np.testing.assert_array_equal(load_reference("neutron_fq", only).values, H)


@pytest.mark.parametrize(
    ("head", "unit", "expected"),
    [
        ("r_nm,g\n", "", "nm"),
        ("r_nm,g\n", "nanometre", "nm"),
        ("# units: pm\nr,g\n", "", "pm"),
        ("# Units: 1/nm; barn\nr,g\n", "", "1/nm"),
        ("r,g\n", "nm", "nm"),
        ("r (furlong),g\n", "", "furlong"),  # refused where it is held against the simulator
    ],
)
def test_units(head: str, unit: str, expected: str, tmp_path: Path) -> None:
    reference = load_reference("g", written(tmp_path, table(R, G, head=head)), unit=unit)
    assert reference.grid_unit == expected
    assert reference.value_unit == ("barn" if "barn" in head else "")


def test_units_of_values_are_converted(tmp_path: Path) -> None:
    path = written(tmp_path, table(R, G, head="q_inv_angstrom,F (fm^2/sr)\n"))
    np.testing.assert_allclose(load_reference("F", path).converted("1/nm", "barn/sr").values, G / 100)
    assert load_reference("F", path).converted("1/nm").grid == pytest.approx(10 * R)


def replaced(row: int, r: str | None = None, g: str | None = None) -> str:
    lines = table(R, G).splitlines()
    cells = lines[row].split(",")
    lines[row] = f"{r or cells[0]},{g or cells[1]}"
    return "# of nothing\nr,g\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (replaced(4, r="1.9"), {}, "g.csv: line 7 has r = 1.9 after 2; ascending r is allowed"),
        (replaced(4, r="2.0"), {}, "g.csv: line 7 has r = 2 again; ascending r is allowed"),
        (replaced(4, r="nan"), {}, "g.csv: line 7 holds nan; finite numbers are allowed"),
        (replaced(4, g="inf"), {}, "g.csv: line 7 holds inf; finite numbers are allowed"),
        (replaced(4, g="-"), {}, r"g.csv cannot be read as a table: line 7 is not 2 numbers: '2.5 -'"),
        (table(R[:1], G[:1]), {}, "g.csv: it has 1 point; at least 2 are needed: a single number is a target"),
        (table(R, G), {"range": (3.1, 3.3)}, "g.csv: it has 0 points within 3.1 to 3.3; at least 2 are needed"),
        (table(R, G, head="r,g\n"), {"range": (0, 7)}, "g.csv: its r ends at 6, but `range` goes to 7"),
        (table(R, 0 * G), {}, "g.csv: it is zero everywhere"),
        (table(R, G), {"columns": (0, 2)}, r"g.csv: it has 2 columns; column 2 is asked for \(from 0\)"),
        (table(R, G, head="r,g\n"), {"columns": ("r", "h")}, "g.csv: it has no column 'h'; its columns are r, g"),
        (table(R, G, H, head="r,g_SiO,g_OO\n"), {}, "no column 'g_SiSi'; its columns are r, g_SiO, g_OO; `columns"),
        (table(R, G, head="r_nm,g\n"), {"unit": "angstrom"}, "'angstrom' contradicts its column 'r_nm', which"),
        (table(R, G, head="# units: pm\nr,g\n"), {"unit": "nm"}, "'nm' contradicts its comment, which says 'pm'"),
        ("", {}, "it has no lines of numbers"),
        ("r,g\n", {}, "it has no lines of numbers"),
    ],
)  # fmt: skip
def test_one_clear_line(text: str, options: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(SoftalError, match=said) as error:
        load_reference("g_SiSi", written(tmp_path, text), **options)
    assert str(error.value).startswith(str(tmp_path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("g.npz", b"PK\x03\x04 and nothing else", "cannot be read as a table"),
        ("g.npy", b"", "cannot be read as a table"),
        ("g.csv", b"\xff\xfe\x00", "cannot be read as a table"),
    ],
)
def test_damaged_files(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SoftalError, match=said):
        load_reference("g", tmp_path / name)


def test_arrays_that_do_not_fit_each_other(tmp_path: Path) -> None:
    np.savez(tmp_path / "g.npz", r=R, g=G[:-1])
    with pytest.raises(SoftalError, match=r"shapes \(12,\) and \(11,\)"):
        load_reference("g", tmp_path / "g.npz")
    rows = np.column_stack([R, G])
    rows[3, 1] = np.nan
    np.save(tmp_path / "g.npy", rows)
    with pytest.raises(SoftalError, match="row 4 holds nan"):
        load_reference("g", tmp_path / "g.npy")


def test_a_second_set_in_an_xvg(tmp_path: Path) -> None:
    path = written(tmp_path, table(R, G, separator=" ") + "&\n" + table(R, G, separator=" "), "g.xvg")
    with pytest.raises(SoftalError, match="line 13 begins a second set of curves"):
        load_reference("g", path)


def test_a_simulation_in_another_unit_is_refused() -> None:
    reference = Reference("g", R, G, grid_unit="angstrom")
    assert reference.compare(Array.of(G, grid=R, grid_unit="Å"))[0] == pytest.approx(0)
    assert reference.compare(Array.of(G, grid=R))[0] == pytest.approx(0)
    with pytest.raises(InvalidObservation, match="the grid of array 'g' is in nm, the reference in angstrom"):
        reference.compare(Array.of(G, grid=R, grid_unit="nm"))


PLACES = 0.5 + np.arange(12.0)


def curve_of(folder, *lines):
    (folder / "curve.dat").write_text("\n".join(lines) + "\n")
    return folder / "curve.dat"


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Winkel;P", lambda x: f"{x};{x / 1000:.4f}".replace(".", ",")),
        ("Winkel\tP", lambda x: f"{x}\t{x / 1000:.4f}".replace(".", ",")),
        ("", lambda x: f"{x} {x / 1000:.4f}".replace(".", ",")),
        ("x;P", lambda x: f"{int(x)};{x / 1000:.4f}".replace(".", ",")),
        ("angle,P", lambda x: f"{x},{x / 1000:.4f}"),
        ("angle;P", lambda x: f"{x};{x / 1000:.4f}"),
    ],
)
def test_decimal_commas_are_no_separators(tmp_path, header, row):
    read = load_reference("angle", curve_of(tmp_path, *[header] * bool(header), *map(row, PLACES)))
    np.testing.assert_allclose(read.values, PLACES / 1000, atol=1e-4)
    np.testing.assert_allclose(read.grid, PLACES, atol=0.5)


def test_a_comma_between_whole_numbers_separates_them(tmp_path):
    read = load_reference("g", curve_of(tmp_path, *(f"{i},{2 * i}" for i in range(1, 13))))
    np.testing.assert_array_equal(read.values, 2 * read.grid)


@pytest.mark.parametrize(
    "header", ["# r g_SiO g_OO", "#r, g_SiO, g_OO", "# made by a program\n# r_nm  g_SiO  g_OO\n# unit: nm"]
)
def test_a_commented_header_names_the_columns(tmp_path, header):
    path = curve_of(tmp_path, header, *(f"{x} {x + 1} {x + 2}" for x in PLACES))
    np.testing.assert_array_equal(load_reference("g_OO", path).values, PLACES + 2)
    assert load_reference("g_OO", path).grid_unit == ("nm" if "nm" in header else "")
    with pytest.raises(SoftalError, match="no column 'g_SiSi'; its columns are r"):
        load_reference("g_SiSi", path)


@pytest.mark.parametrize("comment", ["# Yarnell 1973", "# measured at 85 K", "# units: nm, 1", "#"])
def test_a_comment_that_names_no_columns_is_one(tmp_path, comment):
    path = curve_of(tmp_path, comment, *(f"{x} {x + 1}" for x in PLACES))
    np.testing.assert_array_equal(load_reference("g", path).values, PLACES + 1)


def test_names_with_spaces_are_told_apart_by_wider_ones(tmp_path):
    path = curve_of(tmp_path, "r (A)    g(r) for Cu-Cu    smooth", *(f"{x} {x + 1} {x + 2}" for x in PLACES))
    np.testing.assert_array_equal(load_reference("smooth", path).values, PLACES + 2)


def test_an_array_that_is_called_as_the_grid_is_not_the_grid(tmp_path):
    path = curve_of(tmp_path, "angle,P", *(f"{x},{x + 1}" for x in PLACES))
    np.testing.assert_array_equal(load_reference("angle", path).values, PLACES + 1)


def test_a_density_at_five_temperatures_is_a_reference(tmp_path):
    path = curve_of(
        tmp_path, "T,density,error", "280,1000.0,0.1", "298,997,0.1", "320,989.4,0.1", "340,979.5,0.1", "360,967.2,0.1"
    )
    reference = load_reference("density", path)
    chi, error = reference.compare(Array.of(reference.values * 1.01, reference.values * 0.001, reference.grid))
    assert chi == pytest.approx(0.01)
    assert error == pytest.approx(0.001 / 5**0.5, rel=1e-3)
    assert len(reference.residual(Array.of(reference.values, None, reference.grid))[0]) == 5
