"""The match: a known function of curves, its residuals and its error."""

import numpy as np
import pytest

from softal.errors import InvalidObservation
from softal.objective import Component, Reference, match, minimize, several
from softal.trial import Array, Observation

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
    found = match({"g": REFERENCE, "h": SECOND}).with_chis(observation)
    assert found.values == {name: pytest.approx(r.compare(observation.arrays[a])[0]) for name, a, r in (
        ("chi_g", "g", REFERENCE), ("chi_h", "h", SECOND))}  # fmt: skip
    assert set(found.errors) == {"chi_g", "chi_h"}
    assert found.arrays is observation.arrays


def test_a_simulators_own_chi_stays_and_a_single_array_has_none() -> None:
    observation = observe()
    own = Observation({"chi_g": 7.0}, {}, observation.arrays)
    assert match({"g": REFERENCE, "h": SECOND}).with_chis(own).values["chi_g"] == 7.0
    assert "chi_g" not in match({"g": REFERENCE, "h": SECOND}).with_chis(own).errors
    assert match({"g": REFERENCE}).with_chis(observation) == observation
    both = several(match({"g": REFERENCE, "h": SECOND}, "first"), match({"g": REFERENCE, "h": SECOND}, "second"))
    assert set(both.with_chis(observation).values) == {"chi_g", "chi_h", "chi_second_g", "chi_second_h"}
