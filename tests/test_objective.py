"""The match: a known function of curves, its residuals and its error."""

from dataclasses import replace

import numpy as np
import pytest

from softal.errors import InvalidObservation, SoftalError
from softal.objective import Component, Objective, Reference, Target, match, minimize, several
from softal.objective.outcome import outcome
from softal.trial import Array, Observation, Trial, TrialState

RNG = np.random.default_rng(5)
R = np.linspace(0.05, 5.95, 60)
REFERENCE = Reference("g", R, 1 + np.sin(R), range=(0.5, 5.0))
SECOND = Reference("h", R, np.exp(-R), weight=3.0)


def observe(noise: float = 0.1, grid: np.ndarray = R) -> Observation:
    curves = {name: RNG.normal(1.0, 0.3, len(grid)) for name in ("g", "h")}
    return Observation(arrays={k: Array.of(v, np.full(len(grid), noise), grid) for k, v in curves.items()})


def component(*references: Reference) -> Component:
    return match({reference.array: reference for reference in references}).components[0]


def test_the_mismatch_is_the_length_of_its_residuals() -> None:
    """Against the definition, R^2 = sum w chi^2 / sum w, written out on the reference's own grid."""
    found, observation = component(REFERENCE, SECOND), observe()
    inside = (R >= 0.5) & (R <= 5.0)
    g, h = observation.arrays["g"].values, observation.arrays["h"].values
    chi_g = np.linalg.norm((g - REFERENCE.values)[inside]) / np.linalg.norm(REFERENCE.values[inside])
    chi_h = np.linalg.norm(h - SECOND.values) / np.linalg.norm(SECOND.values)
    expected = np.sqrt((chi_g**2 + 3 * chi_h**2) / 4)
    residual, variance = found.residual(observation)
    assert residual.shape == variance.shape == (found.size,) == (inside.sum() + 60,)
    assert np.linalg.norm(residual) == pytest.approx(expected, rel=1e-12)
    assert found.evaluate(observation)[0] == pytest.approx(expected, rel=1e-12)


def test_variances_and_the_error_are_those_of_repeated_noise() -> None:
    """2000 draws of noise on a grid of its own: residuals scatter by their variance, R by its error."""
    found, grid = component(REFERENCE, SECOND), np.linspace(0.0, 6.2, 45)
    centre = observe(0.02, grid)
    _, variance = found.residual(centre)
    residuals, values = [], []
    for _ in range(2000):
        moved = {
            name: Array.of(a.values + RNG.normal(0, 0.02, len(grid)), a.errors, grid)
            for name, a in centre.arrays.items()
        }
        residuals.append(found.residual(Observation(arrays=moved))[0])
        values.append(found.evaluate(Observation(arrays=moved))[0])
    # A variance from 2000 draws scatters by sqrt(2/2000) = 3.2 %; five of those for the largest of 106.
    np.testing.assert_allclose(np.var(residuals, axis=0), variance, rtol=0.16)
    assert np.std(values) == pytest.approx(found.evaluate(centre)[1], rel=0.1)


def test_what_a_simulation_does_not_cover_is_not_a_number() -> None:
    found = component(SECOND)
    residual, variance = found.residual(observe(grid=np.linspace(0.0, 5.5, 50)))
    outside = R > 5.5
    assert np.array_equal(np.isnan(residual), outside)
    assert np.array_equal(np.isnan(variance), outside)


def test_without_errors_variances_are_not_known() -> None:
    observation = Observation(arrays={"g": Array.of(np.ones(60), grid=R)})
    residual, variance = component(REFERENCE).residual(observation)
    assert np.all(np.isfinite(residual))
    assert np.all(np.isnan(variance))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "array 'g' was not returned; arrays returned: none"),
        ({"g": Array.of(np.ones(60))}, "has no grid"),
        ({"g": Array.of(np.ones(9), grid=R[:9])}, "reaches from 0.05 to 0.85, the reference from"),
    ],
)
def test_what_cannot_be_compared_is_said(arrays: dict[str, Array], message: str) -> None:
    with pytest.raises(InvalidObservation, match=message):
        component(REFERENCE).residual(Observation(arrays=arrays))


def test_only_matches_are_known_functions_of_curves() -> None:
    matching = match({"g": REFERENCE})
    assert matching.matching
    assert not several(matching, minimize("energy")).matching
    assert minimize("energy").components[0].size == 0


def test_chi_of_each_array_becomes_a_value() -> None:
    observation = observe()
    found = match({"g": REFERENCE, "h": SECOND}).with_parts(observation)
    assert found.values == {name: pytest.approx(r.compare(observation.arrays[a])[0]) for name, a, r in (
        ("chi_g", "g", REFERENCE), ("chi_h", "h", SECOND))}  # fmt: skip
    assert set(found.errors) == {"chi_g", "chi_h"}
    assert found.arrays is observation.arrays


def test_a_simulators_own_chi_stays_and_a_single_array_has_none() -> None:
    observation = observe()
    own = Observation({"chi_g": 7.0}, {}, observation.arrays)
    assert match({"g": REFERENCE, "h": SECOND}).with_parts(own).values["chi_g"] == 7.0
    assert "chi_g" not in match({"g": REFERENCE, "h": SECOND}).with_parts(own).errors
    assert match({"g": REFERENCE}).with_parts(observation) == observation
    both = several(match({"g": REFERENCE, "h": SECOND}, "first"), match({"g": REFERENCE, "h": SECOND}, "second"))
    assert set(both.with_parts(observation).values) == {"chi_g", "chi_h", "chi_second_g", "chi_second_h"}


def test_an_observation_is_compared_with_its_references_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    own = Reference._relative

    def counted(self: Reference, simulated: Array) -> object:
        compared.append(self.array)
        return own(self, simulated)

    monkeypatch.setattr(Reference, "_relative", counted)
    observation, objective = observe(), match({"g": REFERENCE, "h": SECOND})
    first = objective.evaluate(observation)
    parts = objective.with_parts(observation)
    assert objective.evaluate(observation) == first
    assert compared == ["g", "h"]
    residuals = [objective.components[0].residual(observation) for _ in range(3)]
    assert residuals[0] is residuals[2]
    assert compared == ["g", "h", "g", "h"]
    assert "_computed" not in parts.__dict__, "what goes from worker to driver"
    another = match({"g": replace(REFERENCE, weight=7.0), "h": SECOND})
    assert another.evaluate(observation)[0] != first[0], "of the same name"


DENSITY = Target("density", 0.767, 0.01, weight=2.0, unit="g/cm^3")
PRESSURE = Target("pressure", 0.08, 1.0, unit="MPa")


def liquid(density: float = 0.75, pressure: float = 2.0) -> Observation:
    values, errors = {"density": density, "pressure": pressure}, {"density": 0.002, "pressure": 0.8}
    return replace(observe(), values=values, errors=errors)


def mixed() -> Objective:
    return match(
        {"g": replace(REFERENCE, tolerance=0.02), "h": replace(SECOND, tolerance=0.05), "1": DENSITY, "2": PRESSURE}
    )


def test_targets_and_curves_are_one_number() -> None:
    """Against the definition, L^2 = sum w x^2 / sum w, written out; its error by finite differences."""
    found, observation = mixed().components[0], liquid()
    chi_g, chi_h = (r.compare(observation.arrays[r.array])[0] for r in (REFERENCE, SECOND))
    x = np.array([chi_g / 0.02, chi_h / 0.05, (0.75 - 0.767) / 0.01, 2.0 - 0.08])
    expected = np.sqrt(np.array([1, 3, 2, 1]) @ x**2 / 7)
    assert found.evaluate(observation)[0] == pytest.approx(expected, rel=1e-12)
    assert np.linalg.norm(found.residual(observation)[0]) == pytest.approx(expected, rel=1e-12)
    assert found.residual(observation)[0].shape == (found.size,)
    alone = match({"1": DENSITY, "2": PRESSURE}).components[0]
    changes = [
        alone.evaluate(liquid(*at))[0] - alone.evaluate(liquid())[0] for at in ((0.75 + 2e-6, 2.0), (0.75, 2 + 8e-4))
    ]
    assert alone.evaluate(liquid())[1] == pytest.approx(np.linalg.norm(changes) * 1e3, rel=1e-3)


def test_within_all_tolerances_is_one() -> None:
    both = match({"1": DENSITY, "2": PRESSURE}).components[0]
    assert both.evaluate(liquid(0.777, -0.92))[0] == pytest.approx(1.0)
    assert both.evaluate(liquid(0.767, 0.08)) == (
        0.0,
        pytest.approx(np.hypot(0.2 * (2 / 3) ** 0.5, 0.8 * (1 / 3) ** 0.5)),
    )


def test_the_shares_of_the_parts_sum_to_the_loss() -> None:
    objective, observation = mixed(), liquid()
    values = objective.with_parts(observation).values
    assert set(values) == {"density", "pressure", "chi_g", "chi_h", "deviation_density", "deviation_pressure"}
    total = sum(part.weight * part.deviation(values) ** 2 for part in objective.parts)
    assert total**0.5 == pytest.approx(objective.evaluate(observation)[0]["mismatch"], rel=1e-12)
    assert values["deviation_density"] == pytest.approx(-1.7)
    assert objective.with_parts(observation).errors["deviation_density"] == pytest.approx(0.2)


@pytest.mark.parametrize(("unit", "size"), [("kg/m^3", 1e3), ("g/cm^3", 1.0), ("u/angstrom^3", 1 / 1.66053906892)])
def test_the_loss_does_not_know_in_what_unit_a_target_was_given(unit: str, size: float) -> None:
    given = Target("density", 0.767 * size, 0.01 * size, unit=unit).converted("g/cm^3")
    assert given.deviation(0.75)[0] == pytest.approx(-1.7, rel=1e-9)
    assert given.unit == "g/cm^3"


@pytest.mark.parametrize(("tolerance", "weight"), [(0.0, 1.0), (-1.0, 1.0), (np.nan, 1.0), (np.inf, 1.0), (1.0, 0.0)])
def test_a_tolerance_and_a_weight_are_above_zero(tolerance: float, weight: float) -> None:
    with pytest.raises(SoftalError, match=r"of 'density' is .*; a finite number above 0 is allowed"):
        Target("density", 0.767, tolerance, weight)


def test_a_value_without_error_or_without_value() -> None:
    bare = Observation({"density": 0.7, "pressure": 1.0})
    value, error = match({"1": DENSITY, "2": PRESSURE}).components[0].evaluate(bare)
    assert np.isfinite(value)
    assert np.isnan(error)
    with pytest.raises(InvalidObservation, match="'pressure' was not returned; values returned: density"):
        match({"1": DENSITY, "2": PRESSURE}).evaluate(Observation({"density": 0.7}))


def done(i: int, loss: float, **values: float) -> Trial:
    return Trial(i, {}, state=TrialState.DONE, objective={"energy": loss}, observation=Observation(dict(values)))


BOUNDED = minimize("energy").subject_to("pressure <= 5", "equilibrated == 1")


def test_the_best_is_among_those_that_satisfy() -> None:
    trials = [done(0, 1.0, pressure=9.0, equilibrated=1.0), done(1, 3.0, pressure=5.0, equilibrated=1.0),
              done(2, 2.0, pressure=4.0, equilibrated=0.0)]  # fmt: skip
    assert [BOUNDED.satisfied(trial) for trial in trials] == [False, True, False]
    assert BOUNDED.best(trials) is trials[1]
    assert BOUNDED.pareto_front(trials) == [trials[1]]
    assert BOUNDED.unmet(trials) is None
    assert BOUNDED.violations_text(trials[0]) == "pressure <= 5 (it is 9)"


def test_where_nothing_satisfies_the_nearest_is_said() -> None:
    trials = [done(11, 1.0, pressure=900.0, equilibrated=1.0), done(12, 3.0, pressure=7.3, equilibrated=1.0)]
    assert BOUNDED.best(trials) is None
    said = "no trial satisfies pressure <= 5 and equilibrated == 1: nearest is trial 12 with pressure 7.3"
    assert BOUNDED.unmet(trials) == said
    assert BOUNDED.unmet([]) is None


def test_a_constraints_value_is_returned_by_each_trial() -> None:
    with pytest.raises(InvalidObservation, match=r"'pressure' of the constraint `pressure <= 5` was not returned"):
        BOUNDED.evaluate(Observation({"energy": 1.0, "equilibrated": 1.0}))


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("p < 1", 0.9, 1.0),
        ("p <= 1", 1.0, 1.1),
        ("1 > p > 0", 0.5, 0.0),
        ("0 ≤ p", 0.0, -0.1),
        ("m == 0", 0.0, 1.0),
    ],
)
def test_bounds(text: str, inside: float, outside: float) -> None:
    assert outcome(text).holds(inside)
    assert outcome(text).violation(inside) == 0
    assert not outcome(text).holds(outside)
