"""Values and arrays in files that programs write, against what is in the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from softal.errors import InvalidObservation
from softal.simulators import build
from softal.simulators.base import Context
from softal.simulators.files import FromFile, read_into
from softal.simulators.statistics import mean_and_error
from softal.trial import Observation

LAMMPS = Path(__file__).parents[1] / "data" / "lammps"
R = np.arange(1.0, 6.0)


def read(folder: Path, **results: Any) -> Observation:
    observation = Observation()
    read_into(observation, {name: FromFile.model_validate(one) for name, one in results.items()}, folder)
    return observation


def test_values_of_a_log() -> None:
    found = read(
        LAMMPS,
        density={"file": "log.lammps", "column": "density"},
        press={"file": "log.lammps", "column": "press", "warmup": 0.5},
        whole={"file": "log.lammps", "column": 4, "warmup": 0},
        last={"file": "log.lammps", "column": "Press", "take": "last"},
    )
    assert found.values["density"] == pytest.approx(0.8)
    assert found.errors["density"] == pytest.approx(0)
    assert found.values["last"] == 2.2823346
    assert "last" not in found.errors
    assert found.values["press"] > found.values["whole"]  # the lattice melts at first
    assert 0 < found.errors["press"] < found.errors["whole"]


def test_the_warm_up_is_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    series = rng.normal(size=400) + 20 * np.exp(-np.arange(400) / 15)
    np.savetxt(tmp_path / "energy.dat", np.column_stack([np.arange(400), series]), header="time e")
    found = read(
        tmp_path, e={"file": "energy.dat", "column": "e"}, all={"file": "energy.dat", "column": 2, "warmup": 0}
    )
    assert abs(found.values["e"]) < 3 * found.errors["e"]
    assert found.values["all"] > 0.5  # 20 * 15 / 400


def test_blocks_are_means_with_errors() -> None:
    found = read(
        LAMMPS, g={"file": "rdf.dat", "columns": [2, 3]}, last={"file": "rdf.dat", "columns": [2, 3], "take": "last"}
    )
    rows = [line.split() for line in (LAMMPS / "rdf.dat").read_text().splitlines() if len(line.split()) == 4]
    blocks = np.array([[float(cell) for cell in row] for row in rows if row[0] != "#"]).reshape(4, 20, 4)
    g = found.arrays["g"]
    np.testing.assert_allclose(g.grid, blocks[0, :, 1])
    np.testing.assert_allclose(g.values, blocks[:, :, 2].mean(axis=0))
    np.testing.assert_allclose(g.errors, mean_and_error(blocks[:, :, 2])[1])
    np.testing.assert_allclose(found.arrays["last"].values, blocks[-1, :, 2])
    assert found.arrays["last"].errors is None


@pytest.mark.parametrize(
    ("text", "result", "grid", "errors", "unit"),
    [
        ("r_nm,g,error\n", "a.csv", True, True, "nm"),
        ("", {"file": "a.csv", "columns": [1, 2]}, True, False, ""),
        ("r [nm],x,g\n", {"file": "a.csv", "columns": ["r", "x", "g"]}, True, True, "nm"),
        ("r,x,g\n", {"file": "a.csv", "columns": ["x"]}, False, False, ""),
    ],
)
def test_arrays_from_columns(text: str, result: Any, grid: bool, errors: bool, unit: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text + "".join(f"{r},{2 * r},{r / 10}\n" for r in R))
    array = read(tmp_path, g=result).arrays["g"]
    np.testing.assert_array_equal(array.values, 2 * R)
    assert (array.grid is not None, array.errors is not None, array.grid_unit) == (grid, errors, unit)


def test_the_column_of_the_arrays_name_among_many(tmp_path: Path) -> None:
    head = "r,g_SiO,g_OO,g_OO_error\n"
    (tmp_path / "a.csv").write_text(head + "".join(f"{r},{r + 1},{r + 2},0.5\n" for r in R))
    array = read(tmp_path, g_OO="a.csv").arrays["g_OO"]
    np.testing.assert_array_equal([array.values, array.errors], [R + 2, 0.5 + 0 * R])


@pytest.mark.parametrize(
    ("text", "result", "said"),
    [
        ("r,g_SiO,g_OO\n1,2,3\n", "a.csv", "r, g_SiO, g_OO, of which the third is no error; .*columns: .grid, value"),
        ("1.5,2,3,4\n", "a.csv", "it has 4 columns; allowed are"),
        ("1 2\n2 nan\n", {"file": "a.csv", "column": 2}, "line 2 has nan in column 2"),
        ("1 2\n", {"file": "a.csv", "column": 3}, r"it has 2 columns; column 3 is asked for \(from 1\)"),
        ("t p\n1 2\n", {"file": "a.csv", "column": "q"}, "it has no column 'q'; its columns are t, p"),
        ("r g\n1 2\n2 1\n3 4\n", {"file": "a.csv", "columns": ["g", "r"]}, "line 4 has g = 4 after 1; a grid goes one"),
        ("words\n", {"file": "a.csv", "column": 1}, "it is no table of numbers"),
    ],
)
def test_what_cannot_be_had(text: str, result: Any, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InvalidObservation, match=f"'x' in a.csv: .*{said}"):
        read(tmp_path, x=result)


def test_blocks_have_no_value() -> None:
    with pytest.raises(InvalidObservation, match=r"repeated blocks.*`columns` makes an array of it"):
        read(LAMMPS, x={"file": "rdf.dat", "column": 3})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"file": "a", "column": 1, "columns": [1, 2]}, "one of them is allowed"),
        ({"file": "a", "columns": [0, 1]}, "columns are counted from 1"),
        ("traj.h5", r"no reader takes \.h5; allowed: text in columns"),
        ({"file": "a", "columns": [1, 2, 3, 4]}, "4 are given"),
        ({"file": "a", "column": 1, "warmup": 1.0}, "less than 1"),
    ],
)
def test_settings_that_make_no_sense(wrong: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FromFile.model_validate(wrong)


def test_a_command_whose_files_are_its_results(tmp_path: Path) -> None:
    """No JSON: the program prints what it likes, and writes its files as ever."""
    outputs = {
        "press": {"file": "log.lammps", "column": "press"},
        "g_r": {"file": "rdf.dat", "columns": [2, 3]},
        "printed": {"file": "stdout.txt", "column": "x"},
    }
    text = f"cp {LAMMPS}/log.lammps {LAMMPS}/rdf.dat . && echo '# t x' && echo 1 {{x}}"
    simulator = build("command", {"command": text, "shell": True, "outputs": outputs})
    assert simulator.outputs is not None
    assert (simulator.outputs.values, simulator.outputs.arrays) == ({"press", "printed"}, {"g_r"})
    found = simulator.run({"x": 2.5}, Context(tmp_path, 1))
    assert found.values["printed"] == 2.5
    assert found.errors["press"] > 0
    assert found.arrays["g_r"].errors is not None
    (tmp_path / "again").mkdir()
    missing = build("command", {"command": "echo nothing", "outputs": {"a": "a.csv"}})
    with pytest.raises(InvalidObservation, match=r"the command did not write a.csv; stdout.txt ends: nothing"):
        missing.run({}, Context(tmp_path / "again", 1))
