"""Rods with a soft corona: what they take, return and refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from softal import simulators
from softal.errors import SimulationError, SoftalError
from softal.simulators import Context
from softal.testing.simulators import Candidate, SimulatorContract

pytestmark = pytest.mark.physics

SHORT = {"particles": 192, "layers": 3, "equilibration": 100, "sampling": 100, "snapshots": 2, "orientations": 2}
POINT = {"T": 0.15, "rho": 0.12}


class TestSpherocylinders(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("spherocylinders", SHORT, POINT)


def run(point: dict[str, Any], folder: Path, **settings: Any) -> Any:
    return simulators.build("spherocylinders", {**SHORT, **settings}).run(point, Context(folder, seed=3, fidelity=0.01))


def test_layers_of_squares_start_as_what_they_are(tmp_path: Path) -> None:
    found = run({**POINT, "start": "square"}, tmp_path).values
    assert found["nematic"] > 0.9
    assert found["smectic"] > 0.9
    assert found["symmetry_4"] > max(found["symmetry_6"], found["symmetry_12"])
    assert found["density"] == pytest.approx(0.12, rel=1e-9)


def test_its_pictures_have_their_shapes(tmp_path: Path) -> None:
    shapes = {name: array.values.shape for name, array in run(POINT, tmp_path).arrays.items()}
    assert shapes == {
        "snapshot": (192, 6), "box": (3,), "diffraction": (97, 97), "phase_input": (4, 17, 17, 17)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ({**POINT, "delta": 0.9}, "delta is 0.9; allowed: a number above 1, up to 3"),
        ({"T": 0.1}, "rho is None; allowed: a value"),
        ({**POINT, "start": "fluid"}, "start is 'fluid'; allowed: smectic, square, hexagonal, isotropic"),
    ],
)
def test_points_that_cannot_be_are_refused_in_one_line(point: dict[str, Any], said: str, tmp_path: Path) -> None:
    assert simulators.build("spherocylinders", SHORT).refuses(point) == said
    with pytest.raises(SimulationError, match=said.partition(";")[0]):
        run(point, tmp_path)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"particles": 430}, "430 is given; 3 layers need a multiple, such as 429"),
        ({"particles": 435, "start": "hexagonal"}, "435 is given; 3 layers of hexagonal crystals need an even number"),
        ({"particles": 429, "start": "square"}, "3 layers of square crystals need n\\^2 rods each, such as 432 in all"),
    ],
)
def test_a_number_of_rods_that_does_not_fit_is_said(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SoftalError, match=said):
        simulators.build("spherocylinders", settings)
