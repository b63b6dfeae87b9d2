"""The kind `confined_ions` at its shortest; tests/validation compares longer runs with theory and the authors' data."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal import simulators
from softal.errors import SimulationError, SoftalError
from softal.references import Reference
from softal.simulators.base import Context, validate_observation
from softal.simulators.confined_ions.composition import Composition, State, compose
from softal.simulators.confined_ions.confined_ions import ConfinedIons, state_of
from softal.simulators.confined_ions.measures import observe
from softal.simulators.confined_ions.run import Run, Samples, random_ions, wca
from softal.simulators.confined_ions.settings import CHARGE_DENSITY, MOLAR, ConfinedIonsSettings
from softal.space.expressions import Expression
from softal.trial import Observation

SHORT = {"side": 5.0, "sampling": 60.0, "longest_equilibration": 200.0, "timestep": 0.006}
SALT = {"h": 3.0, "c": 0.9, "d": 0.6}


def run(settings: dict[str, Any] | None = None, *, seed: int = 1, fidelity: float = 1.0, **point: Any) -> Observation:
    simulator = ConfinedIons({**SHORT, **(settings or {})})
    observation = simulator.run({**SALT, **point}, Context(Path(), seed, fidelity))
    return validate_observation(observation, simulator.outputs)


# What is in the box.


@pytest.mark.parametrize("composition", ["exact", "paper"])
@pytest.mark.parametrize("z_p", [1, 2, 3])
@pytest.mark.parametrize("z_n", [-1, -2, -3])
@pytest.mark.parametrize("surface_charge", [0.0, -0.01, 0.02])
def test_it_is_neutral(composition: str, z_p: int, z_n: int, surface_charge: float) -> None:
    settings = ConfinedIonsSettings(composition=composition)
    found = compose(settings, State(4.2, z_p, z_n, 0.25, 0.4, 0.4, surface_charge))
    total = z_p * found.N_p + z_n * found.N_n + 2 * found.plane * found.side**2
    assert total == pytest.approx(0, abs=1e-9)
    # Rounding: a counter-ion of a dozen in the paper's way; a group of salt of three dozen.
    assert found.plane == pytest.approx(surface_charge / 0.1602176634, rel=1e-9 if composition == "exact" else 0.1)
    assert found.salt == pytest.approx(0.25, rel=1e-9 if composition == "exact" and not surface_charge else 0.03)
    assert found.side == pytest.approx(15, rel=0.13)
    of_the_salt = found.N_n if surface_charge <= 0 else round(found.salt * MOLAR * found.side**2 * 4.2)
    assert of_the_salt / (MOLAR * found.side**2 * 4.2) == pytest.approx(found.salt)


@pytest.mark.parametrize(
    ("h", "c", "surface_charge", "N_p", "N_n"),
    [
        (4.2, 0.1, -0.01, 84, 56),
        (4.2, 0.25, -0.02, 198, 142),
        (4.4, 2.0, -0.015, 547, 529),
        (4.6, 2.0, -0.01, 566, 554),
    ],
)
def test_the_authors_numbers_of_ions(h: float, c: float, surface_charge: float, N_p: int, N_n: int) -> None:
    """Counted in their profiles, integral rho A dz, of systems with charged walls."""
    found = compose(ConfinedIonsSettings(composition="paper"), State(h, 1, -1, c, 0.415, 0.415, surface_charge))
    assert (found.N_p, found.N_n) == (N_p, N_n)
    assert found.side == (15 if c <= 0.5 else 10)


def test_the_papers_systems_of_several_valencies() -> None:
    """System II (3.6, 3, -1, 0.9, 0.75) and III (3.3, 3, -1, 0.35, 0.714): int(0.6022 c V), rounded up to threes."""
    settings = ConfinedIonsSettings(composition="paper")
    for h, c, d, N_p, N_n in ((3.6, 0.9, 0.75, 65, 195), (3.3, 0.35, 0.714, 52, 156)):
        found = compose(settings, State(h, 3, -1, c, d, d))
        assert (found.N_p, found.N_n) == (N_p, N_n)


@pytest.mark.parametrize("seed", range(3))
def test_the_start_is_between_the_planes(seed: int) -> None:
    settings, state = ConfinedIonsSettings(), State(2.5, 2, -1, 0.8, 0.4, 0.7, -0.02)
    system = random_ions(settings, state, compose(settings, state), np.random.default_rng(seed))
    z = system.positions[:, 2]
    contact = np.where(system.particle_types == 0, 0.2, 0.35)
    assert np.all(np.minimum(z, 2.5 - z) >= 0.9 * contact)
    separation = system.box.nearest(system.positions[:, None] - system.positions[None])
    distance = np.linalg.norm(separation, axis=-1) + 10 * np.eye(len(z))
    assert np.all(distance >= 0.85 * (contact[:, None] + contact[None]))


def test_time_and_mass_are_the_papers() -> None:
    """tau = 2.18 ps at 0.714 nm is the (m d^2 / kT)^(1/2) of 23 u, sodium's."""
    assert ConfinedIonsSettings().time_step(0.714) == pytest.approx(0.003 * 2.18)
    mass = 1.380649e-23 * 298 * (2.18e-12 / 0.714e-9) ** 2 / 1.66053906892e-27
    assert mass == pytest.approx(22.99, abs=0.2)
    assert wca(0.7).energy(0.7) == pytest.approx(1.0)


# A run.


@pytest.fixture(scope="module")
def samples() -> tuple[State, Composition, Samples]:
    """A run of a salt, before its profiles are made."""
    settings, state = ConfinedIonsSettings(**SHORT), state_of({**ConfinedIons.defaults, **SALT})
    ions = compose(settings, state)
    return state, ions, Run(settings, state, ions, 1).samples()


@pytest.fixture(scope="module")
def salt(samples: tuple[State, Composition, Samples]) -> Observation:
    return validate_observation(observe(ConfinedIonsSettings(**SHORT), *samples), ConfinedIons.outputs)


@pytest.fixture(scope="module")
def counted(samples: tuple[State, Composition, Samples]) -> Observation:
    """The same run, profiles from counts alone."""
    return observe(ConfinedIonsSettings(**SHORT, forces=False), *samples)


@pytest.fixture(scope="module")
def charged() -> Observation:
    return run(surface_charge=-0.03, d=0.5, c=0.6)


@pytest.mark.physics
@pytest.mark.parametrize(
    "which", ["salt", pytest.param("charged", marks=pytest.mark.long), pytest.param("sizes", marks=pytest.mark.long)]
)
def test_what_is_known_of_profiles_is_so(which: str, request: pytest.FixtureRequest) -> None:
    """Learners of curves build it in: nothing beyond the support, and as many ions as the parameters say."""
    points = {
        "salt": SALT,
        "charged": {**SALT, "surface_charge": -0.03, "d": 0.5, "c": 0.6},
        "sizes": {**SALT, "z_p": 2, "d_p": 0.4, "surface_charge": 0.02},
    }
    point = points[which]
    found = run(**point) if which == "sizes" else request.getfixturevalue(which)
    neutral = 2 * point.get("surface_charge", 0.0) * CHARGE_DENSITY / MOLAR / 3.0
    for kind, valency in (("p", point.get("z_p", 1)), ("n", -1)):
        known, array = ConfinedIons(SHORT).outputs.known[f"density_{kind}"], found.arrays[f"density_{kind}"]
        values = {**known.defaults, **point}
        support, contact, integral = (
            Expression(text)(values) for text in (known.support, known.contact, known.integral)
        )
        assert np.mean(array.values) == pytest.approx(integral, rel=0.02)
        assert np.all(array.values[np.abs(array.grid) > support + 0.5 / len(array.grid)] == 0)
        assert contact == pytest.approx(0.5 - point.get(f"d_{kind}", point["d"]) / 6)
        neutral += valency * integral
    assert neutral == pytest.approx(0, abs=1e-6)
    assert ConfinedIons({**SHORT, "composition": "paper"}).outputs.known["density_p"].integral is None


@pytest.mark.physics
def test_it_says_what_it_measured(salt: Observation) -> None:
    values, errors = salt.values, salt.errors
    assert values["temperature"] == pytest.approx(298, abs=5 * errors["temperature"])
    assert values["equilibrated"] == 1
    assert values["salt"] == pytest.approx(0.9)
    assert values["ions"] == 2 * round(0.9 * MOLAR * values["side"] ** 2 * 3)
    assert set(errors) == {
        *(f"{feature}_{kind}" for feature in ("contact", "mid", "peak") for kind in "pn"),
        "pressure", "potential_energy", "temperature",
    }  # fmt: skip
    assert all(errors[name] > 0 for name in errors)
    assert values["peak_p"] > values["contact_p"] > 0
    assert -3 * 2.4777 < values["potential_energy"] < 0


@pytest.mark.physics
@pytest.mark.parametrize("which", ["salt", "charged"])
def test_profiles_hold_all_ions_and_are_neutral(which: str, request: pytest.FixtureRequest) -> None:
    """The integral of each density is the number of ions of an area, within the errors of forces; its bins are z/h."""
    observation = request.getfixturevalue(which)
    assert isinstance(observation, Observation)
    density = {kind: observation.arrays[f"density_{kind}"] for kind in "pn"}
    for array in density.values():
        np.testing.assert_allclose(array.grid, (np.arange(300) + 0.5) / 300 - 0.5)
        assert array.values[0] == array.values[-1] == 0
    means = {kind: array.values.mean() for kind, array in density.items()}
    # The walls' counter-ions, two sides of them, over the slab: neutral within 4 errors of the mean of the profiles,
    # taken as correlated over all bins.
    surface = 0.03 if which == "charged" else 0.0
    counter = 2 * surface / 0.1602176634 / (MOLAR * 3.0)
    error = max(array.errors.mean() for array in density.values() if array.errors is not None)
    assert means["n"] == pytest.approx(observation.values["salt"], abs=4 * error)
    assert means["p"] - means["n"] == pytest.approx(counter, abs=6 * error)


@pytest.mark.physics
def test_the_histogram_alone_is_exact_in_its_sum(counted: Observation) -> None:
    for kind in "pn":
        assert counted.arrays[f"density_{kind}"].values.mean() == pytest.approx(0.9, rel=1e-9)
    assert counted.values["gain"] == 1.0


@pytest.mark.physics
@pytest.mark.parametrize("name", ["density_p", "density_n", "density_p_folded", "density_n_folded"])
def test_forces_make_less_noise_without_a_bias(salt: Observation, counted: Observation, name: str) -> None:
    """Of the same run: both agree within the histogram's errors, and the variance is less than half."""
    best, histogram = salt.arrays[name], counted.arrays[name]
    assert best.errors is not None
    assert histogram.errors is not None
    assert np.all(best.errors <= histogram.errors)
    seen = histogram.values > 0.05
    scores = (best.values - histogram.values)[seen] / histogram.errors[seen]
    assert np.sqrt(np.mean(scores**2)) < 1.5
    assert np.mean(best.errors[seen] ** 2) < 0.5 * np.mean(histogram.errors[seen] ** 2)


@pytest.mark.physics
def test_charged_walls_gather_counter_ions(charged: Observation) -> None:
    values = charged.values
    assert values["contact_p"] > 2 * values["contact_n"]
    assert values["peak_p"] > 1.5 * values["mid_p"]
    folded = charged.arrays["density_p_folded"]
    whole = charged.arrays["density_p"].values
    assert folded.grid is not None
    assert folded.grid[-1] == pytest.approx(-0.5 / 300)
    np.testing.assert_allclose(folded.values, (whole[:150] + whole[:149:-1]) / 2, atol=5 * np.max(folded.errors))


@pytest.mark.physics
@pytest.mark.parametrize("which", ["salt", "charged"])
def test_contact_theorem(which: str, request: pytest.FixtureRequest) -> None:
    """kT sum rho(contact) - sigma^2 / (2 epsilon) = P, for soft walls int sum rho dU/dz dz, from the profiles alone."""
    observation = request.getfixturevalue(which)
    assert isinstance(observation, Observation)
    d, surface = (0.6, 0.0) if which == "salt" else (0.5, 0.03)
    contact, error = 0.0, 0.0
    for kind in "pn":
        array = observation.arrays[f"density_{kind}_folded"]
        assert array.grid is not None
        assert array.errors is not None
        s = (array.grid + 0.5) * 3.0
        force = wca(d / 2).force(s) * 3.0 / 300 * MOLAR
        contact += float(array.values @ force)
        error += float(array.errors @ force)
    e2_over_2epsilon = 2 * math.pi * 0.714  # [nm kT]
    P = (contact - e2_over_2epsilon * (surface / 0.1602176634) ** 2) * 4.11433
    # Bins of 0.01 nm under a force that doubles in as much: 3 %.
    assert observation.values["pressure"] == pytest.approx(P, abs=(4 * error + 0.03 * contact) * 4.11433)
    assert error < 0.15 * contact


@pytest.mark.physics
def test_nearly_ideal_ions_have_the_ideal_pressure() -> None:
    """Dilute, with hardly any Coulomb energy: P = kT 2 c h / (h - d'), d' what the walls' softness leaves."""
    observation = run({"bjerrum_length": 1e-3, "side": 12.0, "accuracy": 0.05}, c=0.1, d=0.3, h=3.0)
    z = np.linspace(1e-3, 3 - 1e-3, 100_000)
    room = np.mean(np.exp(-(wca(0.15).energy(z) + wca(0.15).energy(3 - z)))) * 3
    ideal = 0.2 * MOLAR * 3 / room * 4.11433
    second_virial = 2 / 3 * math.pi * 0.3**3 * 0.2 * MOLAR  # 0.7 %
    assert observation.values["pressure"] == pytest.approx(
        ideal * (1 + second_virial), abs=4 * observation.errors["pressure"]
    )
    for kind in "pn":
        assert observation.values[f"mid_{kind}"] == pytest.approx(
            0.1 * 3 / room, abs=4 * observation.errors[f"mid_{kind}"] + 0.001
        )


@pytest.mark.physics
def test_what_is_frozen_fails() -> None:
    """Trivalent ions in a medium in which a pair of them is worth 60 kT: they come together and stay."""
    icy = {"bjerrum_length": 4.0, "sampling": 2.0, "longest_equilibration": 2.0, "accuracy": 0.01}
    with pytest.raises(SimulationError, match="ions have frozen, or the sampling is too short: they moved 0"):
        run(icy, z_p=3, z_n=-3)


@pytest.mark.physics
def test_ions_that_are_too_fast_for_the_walls_fail() -> None:
    """Lost through a wall, in it, or hot: with ten times the longest time step that is allowed."""
    settings = ConfinedIonsSettings(**SHORT).model_copy(update={"timestep": 0.1})
    state = state_of({**ConfinedIons.defaults, **SALT})
    with pytest.raises(SimulationError, match=r"escaped into a wall|blew up|temperature is"):
        Run(settings, state, compose(settings, state), 1).samples()


@pytest.mark.physics
def test_a_run_that_may_not_equilibrate_is_marked() -> None:
    assert run({"longest_equilibration": 1.0, "sampling": 10.0}).values["equilibrated"] == 0


# What is refused before anything runs.


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"z_p": 1.5}, r"z_p = 1\.5 is not allowed: a whole number: 1, 2, 3"),
        ({"z_p": 4}, "z_p = 4 is not allowed: a whole number: 1, 2, 3"),
        ({"z_n": 1}, "z_n = 1 is not allowed: a whole number: -1, -2, -3"),
        ({"z_n": "two"}, "z_n = 'two' is not allowed"),
        ({"h": 0.5}, r"h = 0\.5 is not allowed: a number from 1 to 12"),
        ({"d": 1.2, "h": 1.1}, r"d = 1\.2 nm is not allowed: ions have to be smaller than h = 1\.1 nm"),
        ({"d_n": 1.15, "h": 1.1}, r"d_n = 1\.15 nm is not allowed: ions have to be smaller than h = 1\.1 nm"),
        ({"c": 0.0}, "c = 0.0 is not allowed: a number from 0.0001 to 5"),
        ({"c": 0.0005}, r"c = 0\.0005 mol/l is 0\.2 negative ions .* there is none; allowed: 0\.0025 mol/l and more"),
        ({"c": 0.001, "z_p": 3, "z_n": -2}, "there is none"),
        ({"surface_charge": 1e-5}, r"less than a counter-ion of valency -1 compensates .* allowed: 0, 0\.00018 and"),
        ({"surface_charge": -1e-4, "z_p": 3, "c": 0.9}, r"less than a counter-ion of valency \+3 compensates"),
        ({"surface_charge": 0.5}, "surface_charge = 0.5 is not allowed: a number from -0.1 to 0.1"),
        ({"c": 2.0, "h": 6.0, "z_n": -3, "d": 0.3}, "are 2[0-9]{3} ions in a box of 10 nm a side; allowed: 2000"),
        ({"c": 2.0, "d": 0.9}, "the ions fill 92% of the room between the planes: they would freeze; allowed: 50%"),
    ],
)
def test_what_is_refused(point: dict[str, Any], message: str) -> None:
    simulator = ConfinedIons()
    said = simulator.refuses({"h": 3.0, "c": 0.2, **point})
    assert said is not None
    assert re.search(message, said), said
    assert "\n" not in said
    with pytest.raises(SimulationError, match=message):
        simulator.run({"h": 3.0, "c": 0.2, **point}, Context(Path(), 1))


def test_a_missing_parameter_is_said() -> None:
    assert ConfinedIons().refuses({"h": 3.0}) == "c is missing; allowed: a number from 0.0001 to 5"


@pytest.mark.parametrize("h", [2.0, 6.0])
@pytest.mark.parametrize("z", [(1, -1), (3, -1), (2, -2)])
@pytest.mark.parametrize(("c", "d"), [(0.05, 0.3), (0.05, 0.8), (0.5, 0.6), (2.0, 0.4)])
@pytest.mark.parametrize("surface_charge", [0.0, -0.03, 0.002])
def test_the_ranges_that_were_asked_for_are_simulated(
    h: float, z: tuple[int, int], c: float, d: float, surface_charge: float
) -> None:
    point = {"h": h, "z_p": z[0], "z_n": z[1], "c": c, "d": d, "surface_charge": surface_charge}
    assert ConfinedIons().refuses(point) is None


def test_one_diameter_or_two() -> None:
    full = {**ConfinedIons.defaults, "h": 3.0, "c": 0.5}
    assert (state_of(full).d_p, state_of(full).d_n) == (0.714, 0.714)
    assert state_of({**full, "d": 0.5}) == state_of({**full, "d_p": 0.5, "d_n": 0.5})
    assert (state_of({**full, "d": 0.5, "d_n": 0.8}).d_p, state_of({**full, "d": 0.5, "d_n": 0.8}).d_n) == (0.5, 0.8)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engine": "hoomd"}, "engine"),
        ({"bins": 301}, "bins: 301 is odd: profiles are folded about z = 0; say 302"),
        ({"sampling": 0}, "sampling"),
        ({"timestep": 0.1}, "timestep"),
        ({"composition": "mine"}, "composition"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SoftalError, match=message):
        ConfinedIons(settings)


def test_it_is_found_by_its_kind() -> None:
    assert isinstance(simulators.build("confined_ions", {"bins": 100}), ConfinedIons)


Z = np.linspace(-0.49, 0.49, 50)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (Reference("density_p", Z, np.cos(3 * Z)), None),
        (Reference("density_p_folded", Z[:25], np.cos(3 * Z[:25])), None),
        (Reference("density_n", 3 * Z, np.cos(Z)), "goes from -1.47 to 1.47, of which the simulation covers -0.498"),
        (Reference("density_n", Z, np.cos(8 * Z)), "is negative at -0.39; a density is not"),
    ],
)
def test_references(reference: Reference, message: str | None) -> None:
    said = ConfinedIons().check_reference(reference)
    assert said == message if message is None else said is not None and said.startswith(message)
