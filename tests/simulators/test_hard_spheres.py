"""Hard spheres and WCA particles as a simulator: what it takes, returns and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gsd.hoomd
import numpy as np
import pytest

from softal import simulators
from softal.errors import SimulationError, SoftalError
from softal.simulators import Context
from softal.simulators.base import validate_observation
from softal.testing.simulators import Candidate, SimulatorContract
from softal.theory import crystals, sphere_pressure
from softal.trial import Observation

pytestmark = pytest.mark.physics

SHORT = {"particles": 100, "equilibration": 50, "sampling": 60, "snapshots": 3}
MIXED = {"packing_fraction": 0.35, "size_ratio": 0.6, "small_fraction": 0.5}


class TestMixture(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate("hard_spheres", SHORT, MIXED)


class TestCrystal(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        settings = {**SHORT, "ensemble": "npt", "interaction": "wca", "particles": 192}
        return Candidate(
            "hard_spheres", settings, {"pressure": 24.0, "beta_epsilon": 5.0, "structure": "MgCu2", "size_ratio": 0.78}
        )


def run(point: dict[str, Any], folder: Path, fidelity: float = 1.0, **settings: Any) -> Observation:
    simulator = simulators.build("hard_spheres", {**SHORT, **settings})
    return validate_observation(simulator.run(point, Context(folder, seed=3, fidelity=fidelity)), simulator.outputs)


def test_the_arrays_say_where_particles_are_and_what(tmp_path: Path) -> None:
    found = run({"packing_fraction": 0.6, "structure": "MgZn2"}, tmp_path, particles=96).arrays
    assert {name: one.values.shape for name, one in found.items()} == {
        "configurations": (3, 96, 3), "boxes": (3, 3), "types": (3, 96), "labels": (3, 96),
        "diameters": (2,),
    }  # fmt: skip
    types, labels = (found[name].values[-1].astype(int) for name in ("types", "labels"))
    assert np.bincount(types).tolist() == [32, 64]
    names = np.array(crystals.ENVIRONMENTS)[labels]
    assert dict(zip(*np.unique(names, return_counts=True), strict=True)) == {
        "MgZn2_large": 32, "MgZn2_small_2a": 16, "MgZn2_small_6h": 48
    }  # fmt: skip
    assert {name.split("_")[1] for name in names[types == 0]} == {"large"}
    assert found["diameters"].values == pytest.approx([1.0, 0.82])
    d = np.where(types == 1, 0.82, 1.0)
    assert np.pi / 6 * (d**3).sum() / found["boxes"].values[0].prod() == pytest.approx(0.6)


def test_spheres_never_overlap_and_swaps_exchange_kinds(tmp_path: Path) -> None:
    found = run({"packing_fraction": 0.3, "size_ratio": 0.8, "small_fraction": 0.5}, tmp_path, swaps=1.0)
    assert found.values["swapped"] > 0.01
    types = found.arrays["types"].values
    assert np.all(types.sum(axis=1) == 50)
    assert not np.array_equal(types[0], types[-1])
    for x, box, kinds in zip(
        *(found.arrays[name].values for name in ("configurations", "boxes", "types")), strict=True
    ):
        d = np.where(kinds == 1, 0.8, 1.0)
        apart = x[:, None] - x
        apart -= box * np.rint(apart / box)
        ratio = np.sqrt((apart**2).sum(axis=2)) * 2 / (d[:, None] + d)
        assert ratio[np.triu_indices(len(x), 1)].min() >= 1


def test_values_are_near_theory_s_already_in_a_short_run(tmp_path: Path) -> None:
    found = run({"packing_fraction": 0.3}, tmp_path, particles=256, equilibration=400, sampling=2000)
    expected = 0.3 * 6 / np.pi * sphere_pressure.fluid(0.3)
    assert found.values["pressure"] == pytest.approx(expected, abs=4 * found.errors["pressure"])
    assert found.errors["pressure"] < 0.05 * expected
    assert found.values["packing_fraction"] == pytest.approx(0.3)
    assert found.values["swapped"] == 0


def test_a_fluid_stands_beside_a_crystal(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"particles": 300, "beside": "fluid", "packing_beside": 0.45, "small_fraction": 2 / 3}
    found = run({"packing_fraction": 0.6, "structure": "AlB2", "size_ratio": 0.54}, tmp_path, **settings)
    names = np.array(crystals.ENVIRONMENTS)[found.arrays["labels"].values[0].astype(int)]
    assert set(names) == {"AlB2_large", "AlB2_small", "fluid"}
    assert np.mean(names == "fluid") == pytest.approx(0.5, abs=0.03)


def test_snapshots_are_written_with_both_kinds(tmp_path: Path) -> None:
    found = run(MIXED, tmp_path, trajectory=True)
    with gsd.hoomd.open(str(found.artifacts["trajectory.gsd"])) as file:
        assert len(file) == 3
        frame = file[-1].particles
        assert frame.types == ["A", "B"]
        np.testing.assert_allclose(frame.diameter, np.where(frame.typeid == 1, 0.6, 1.0), rtol=1e-6)
        np.testing.assert_array_equal(frame.typeid, found.arrays["types"].values[-1])
    assert run(MIXED, tmp_path).artifacts == {}


@pytest.mark.parametrize(
    ("point", "settings", "said"),
    [
        ({"packing_fraction": 0.8}, {}, "packing_fraction is 0.8; allowed: a number above 0, up to 0.74"),
        ({}, {}, "packing_fraction is None; allowed: a value"),
        ({"packing_fraction": 0.5, "structure": "CsCl"}, {}, "structure is 'CsCl'; allowed: fluid, fcc, hcp"),
        ({"packing_fraction": 0.5, "structure": "NaCl", "size_ratio": 1}, {}, "size_ratio is 1; allowed for NaCl"),
        (
            {"packing_fraction": 0.7, "structure": "NaCl", "size_ratio": 0.54}, {"particles": 216},
            "NaCl of size ratio 0.54 at packing fraction 0.7: spheres would overlap; allowed: below 0.6637",
        ),
        ({"packing_fraction": 0.55, "structure": "AB13", "size_ratio": 0.54}, {}, "100 particles are no whole cells"),
        ({"packing_fraction": 0.6}, {}, "100 particles do not fit as a fluid of packing fraction 0.6"),
        ({"packing_fraction": 0.5}, {"beside": "fcc"}, "structure is 'fluid', with fcc beside it; allowed: a crystal"),
        ({"pressure": 0.0}, {"ensemble": "npt"}, "pressure is 0.0; allowed: a number above 0, up to 10000"),
        ({"packing_fraction": 0.5}, {"interaction": "wca"}, "beta_epsilon is None; allowed: a value"),
    ],
)  # fmt: skip
def test_points_that_cannot_be_are_refused_in_one_line(
    point: dict[str, Any], settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    reason = simulators.build("hard_spheres", {**SHORT, **settings}).refuses(point)
    assert reason is not None
    assert reason.startswith(said)
    assert "\n" not in reason
    with pytest.raises(SimulationError):
        run(point, tmp_path, **settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"interaction": "soft"}, "interaction: 'soft' is given, but it must be 'hard' or 'wca'"),
        ({"sampling": 10, "snapshots": 11}, "11 is given, of 10 sweeps of sampling; at most one a sweep"),
        ({"particles": 5}, "particles: 5 is given"),
    ],
)
def test_settings_that_do_not_fit_are_said(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SoftalError, match=said):
        simulators.build("hard_spheres", settings)
