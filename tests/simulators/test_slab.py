"""A slab of liquid in gas: profiles whose plateaus are known, what is kept, and what is one phase."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.asakura_oosawa import slab
from softal.simulators.monte_carlo import starts

LENGTH = 40.0
GAS, LIQUID, HALF, WIDTH = 0.02, 0.42, 9.0, 1.1


def made(half: float = HALF, width: float = WIDTH) -> Floats:
    away = np.abs(slab.bins(LENGTH) - LENGTH / 2)
    return (LIQUID + GAS) / 2 - (LIQUID - GAS) / 2 * np.tanh((away - half) / width)


def noisy(profile: Floats, samples: int = 100, noise: float = 0.02) -> Floats:
    return profile + noise * np.random.default_rng(1).normal(size=(samples, len(profile)))


def test_the_fit_finds_the_profile_that_it_was_made_of() -> None:
    found = slab.interface(slab.bins(LENGTH), made(), LENGTH)
    assert (found.gas, found.liquid) == (pytest.approx(GAS, abs=1e-6), pytest.approx(LIQUID, abs=1e-6))
    assert (found.half, found.width) == (pytest.approx(HALF, abs=1e-5), pytest.approx(WIDTH, abs=1e-5))


def test_plateaus_are_those_that_are_known_within_their_errors() -> None:
    found = slab.observed(noisy(made()), LENGTH, 0.4)
    for name, true in (("gas", GAS), ("liquid", LIQUID), ("difference", LIQUID - GAS)):
        assert 0 < found.errors[name] < 1e-3
        assert abs(found.values[name] - true) < 3 * found.errors[name] + 2e-4
    assert found.values["slab"] == pytest.approx(2 * HALF / LENGTH, abs=0.01)
    assert found.values["width"] == pytest.approx(WIDTH, abs=0.1)
    assert found.values["drift"] < 4
    assert found.values["moved"] == 0.4
    assert found.arrays["profile"].grid == pytest.approx(slab.bins(LENGTH))


@pytest.mark.parametrize(
    "profile",
    [made(width=7.0), made(half=3.0), np.full(80, 0.2), 0.2 + 0.02 * np.cos(2 * np.pi * (np.arange(80) - 39.5) / 80)],
)
def test_without_room_for_plateaus_there_is_one_phase(profile: Floats) -> None:
    found = slab.observed(noisy(profile), LENGTH, 0.4)
    assert (found.values["slab"], found.values["difference"]) == (0, 0)
    assert found.values["gas"] == found.values["liquid"] == pytest.approx(profile.mean(), abs=2e-3)


def test_a_drift_is_told() -> None:
    rising = made() * (1 + 0.1 * np.linspace(0, 1, 100)[:, None])
    assert slab.observed(rising + noisy(0 * made(), noise=0.01), LENGTH, 0.4).values["drift"] > 4


def test_a_profile_counts_every_colloid_wherever_the_slab_is() -> None:
    start = starts.slab(400, (0.06, 0.7), 4.0, seed=2)
    whole = slab.profile(start.positions, start.box)
    volume = float(start.box.prod()) / len(whole)
    assert whole.sum() * volume == pytest.approx(400 * np.pi / 6)
    away = np.random.default_rng(3).random() * start.box
    moved = slab.profile((start.positions + away) % start.box, start.box)
    assert moved == pytest.approx(whole, abs=2 * np.pi / 6 / volume)
    found = slab.interface(slab.bins(float(start.box[2])), moved, float(start.box[2]))
    assert found.half == pytest.approx(start.box[2] / 4, abs=0.5)
    assert found.liquid == pytest.approx(0.7 * np.pi / 6, abs=0.03)


def test_the_start_has_no_overlap_and_both_densities() -> None:
    start = starts.slab(200, (0.1, 0.6), 5.0, seed=4)
    assert start.box == pytest.approx(start.box[0] * np.array([1, 1, 5]))
    assert start.density == pytest.approx(0.35)
    apart = start.positions[:, None] - start.positions
    apart -= start.box * np.rint(apart / start.box)
    assert np.sqrt((apart**2).sum(-1))[np.triu_indices(200, 1)].min() >= 1
    assert np.all((start.positions >= 0) & (start.positions < start.box))
    assert np.array_equal(start.positions, starts.slab(200, (0.1, 0.6), 5.0, seed=4).positions)
    with pytest.raises(SimulationError, match="200 particles do not fit as fluids of densities"):
        starts.slab(200, (0.1, 1.3), 5.0)
