"""Targets in the composite surrogate and its basis: values beside curves, each a component of its own."""

import numpy as np
import pytest

from softal.objective import Reference, Target, match
from softal.space import Space
from softal.surrogates import build, load
from softal.surrogates.curves.basis import Basis
from softal.trial import Array, Observation, Trial, TrialState

pytestmark = pytest.mark.learning

SPACE = Space({"a": {"low": 1.0, "high": 3.0}, "b": {"low": 0.0, "high": 1.0}})
GRID = np.linspace(0.0, 6.0, 30)
OPTIMUM = {"a": 2.2, "b": 0.4}
NOISE, PRESSURE_NOISE = 0.005, 0.2


def curve(point):
    return 1.0 + np.exp(-0.3 * GRID) * np.cos(float(point["a"]) * GRID) * (0.5 + float(point["b"]))


def pressure(point):
    return 40.0 * np.sin(2.0 * float(point["a"])) * float(point["b"]) + 3.0


TARGETS = {"p": Target("pressure", pressure(OPTIMUM), 0.5), "b": Target("double", 0.8, 0.05)}
BOTH = match({"g": Reference("g", GRID, curve(OPTIMUM), tolerance=0.02)} | TARGETS)
ALONE = match(TARGETS)


def observe(point, rng):
    errors = np.full(len(GRID), NOISE)
    values = {"pressure": pressure(point) + PRESSURE_NOISE * rng.standard_normal(), "double": 2.0 * float(point["b"])}
    return Observation(
        values,
        {"pressure": PRESSURE_NOISE},
        {"g": Array.of(curve(point) + errors * rng.standard_normal(30), errors, GRID)},
    )


def trials(objective, n=20, seed=0):
    rng, found = np.random.default_rng(seed), []
    for i, point in enumerate(SPACE.from_unit(SPACE.sample(n, rng))):
        observation = observe(point, rng)
        values, errors = objective.evaluate(observation)
        found.append(
            Trial(i, point, state=TrialState.DONE, observation=observation, objective=values, objective_errors=errors)
        )
    return found


def fitted(objective, **settings):
    surrogate = build("composite", SPACE, ["mismatch"], settings, objective)
    surrogate.fit(trials(objective))
    return surrogate


def test_the_basis_does_not_mix_targets_with_curves():
    R = np.random.default_rng(0).standard_normal((12, 32))
    V = np.full(R.shape, 0.01)
    V[:, 31] = np.nan
    basis, curves = Basis.of(R, V, singles=2), Basis.of(R[:, :30], V[:, :30])
    np.testing.assert_array_equal(basis.vectors[:-2, :30], curves.vectors)
    np.testing.assert_array_equal(basis.vectors[-2:], np.eye(32)[-2:])
    assert not basis.vectors[:-2, 30:].any()
    np.testing.assert_array_equal(basis.scores(R)[:, -2:], R[:, 30:])
    np.testing.assert_allclose(basis.noise(V)[:, -2], 0.01)
    assert np.isnan(basis.noise(V)[:, -1]).all()
    assert not basis.left[30:].any()
    lengths = np.sum(basis.scores(R) ** 2, axis=1) + basis.outside(R)
    np.testing.assert_allclose(lengths, np.sum(R**2, axis=1), rtol=1e-10)


def test_a_basis_of_nothing_but_targets_is_the_identity():
    R = np.random.default_rng(0).standard_normal((5, 2))
    basis = Basis.of(R, np.full(R.shape, np.nan), singles=2)
    np.testing.assert_array_equal(basis.vectors, np.eye(2))
    assert basis.rest == 0.0


@pytest.mark.parametrize(
    ("objective", "model"), [(BOTH, "pca"), (ALONE, "pca"), (BOTH, "higher_order"), (ALONE, "higher_order")]
)
def test_predicts_values_with_targets_in_natural_units(objective, model):
    surrogate = fitted(objective, model=model)
    points = SPACE.from_unit(SPACE.sample(50, np.random.default_rng(3)))
    found = surrogate.properties(points)
    assert set(found) == {"pressure", "double"}
    mean, std = found["pressure"]
    error = mean - np.array([pressure(point) for point in points])
    assert np.sqrt(np.mean(error**2)) < 2.0  # of a range of 56
    assert np.mean(np.abs(error) < 3 * std + 0.1) > 0.9
    np.testing.assert_allclose(found["double"][0], [2 * point["b"] for point in points], atol=0.02)


@pytest.mark.parametrize("objective", [BOTH, ALONE])
def test_predicts_the_loss_better_than_a_process_of_the_loss(objective):
    U = SPACE.sample(100, np.random.default_rng(5))
    quiet = [observe(point, type("Zero", (), {"standard_normal": lambda *_: 0.0})()) for point in SPACE.from_unit(U)]
    exact = np.array([objective.evaluate(one)[0]["mismatch"] for one in quiet])
    scalar = build("gp", SPACE, ["mismatch"])
    scalar.fit(trials(objective))
    own, other = (np.sqrt(np.mean((s.posterior(U).mean[:, 0] - exact) ** 2)) for s in (fitted(objective), scalar))
    assert own < other / 3


@pytest.mark.parametrize("objective", [BOTH, ALONE])
def test_what_is_loaded_predicts_the_same(objective, tmp_path):
    surrogate = fitted(objective)
    surrogate.save(tmp_path)
    loaded = load(tmp_path)
    for name, pair in surrogate.properties([OPTIMUM]).items():
        np.testing.assert_array_equal(loaded.properties([OPTIMUM])[name], pair)
    U = SPACE.sample(5, np.random.default_rng(1))
    np.testing.assert_array_equal(loaded.posterior(U).variance, surrogate.posterior(U).variance)
    assert set(loaded.curves([OPTIMUM])) == ({"g"} if objective is BOTH else set())
