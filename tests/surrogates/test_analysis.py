"""Importance against closed forms, slices, and the location of the optimum against functions with a known one."""

import numpy as np
import pytest

from softal.answer import Answer, Single
from softal.errors import SurrogateError
from softal.space import Space
from softal.surrogates import build
from softal.surrogates.analysis import importance, optimum, slices, summary
from softal.surrogates.gaussian_processes.laplace import posterior_draws, shares
from softal.surrogates.optimum import locate

pytestmark = pytest.mark.learning

UNIT = {"low": 0.0, "high": 1.0}


def fitted(parameters, function, n=80, noise=0.0, seed=0, constraints=(), targets=("y",), kind="gp"):
    space = Space(parameters, constraints)
    rng = np.random.default_rng(seed)
    U = space.sample(n, rng)
    Y = np.array([function(point) for point in space.from_unit(U)]).reshape(n, -1)
    surrogate = build(kind, space, targets)
    surrogate.fit_arrays(U, Y + noise * rng.standard_normal(Y.shape), np.full(Y.shape, noise**2) if noise else None)
    return surrogate


def test_importance_of_a_sum_is_the_share_of_the_variance():
    """y = 3 a + b: variances 9/12 and 1/12, no interaction, so both orders are 0.9 and 0.1."""
    surrogate = fitted({"a": UNIT, "b": UNIT, "c": UNIT}, lambda p: 3 * p["a"] + p["b"])
    for order in ("first", "total"):
        found = importance(surrogate, order=order)
        assert found == pytest.approx({"a": 0.9, "b": 0.1, "c": 0.0}, abs=0.02)


def test_importance_of_a_product_is_interaction():
    """y = (a - 1/2)(b - 1/2) has nothing of first order, and everything in total."""
    surrogate = fitted({"a": UNIT, "b": UNIT}, lambda p: (p["a"] - 0.5) * (p["b"] - 0.5))
    assert max(importance(surrogate, order="first").values()) < 0.1
    assert min(importance(surrogate).values()) > 0.9


def test_importance_of_the_ishigami_function_is_the_published_one():
    """Total effects 0.558, 0.442, 0.244 (Ishigami & Homma 1990, a = 7, b = 0.1; closed form in Saltelli 2008)."""
    angle = {"low": -np.pi, "high": np.pi}

    def ishigami(p):
        return np.sin(p["x"]) + 7 * np.sin(p["y"]) ** 2 + 0.1 * p["z"] ** 4 * np.sin(p["x"])

    surrogate = fitted({"x": angle, "y": angle, "z": angle}, ishigami, n=400)
    assert importance(surrogate, n=2048) == pytest.approx({"x": 0.558, "y": 0.442, "z": 0.244}, abs=0.03)


def test_importance_of_a_constant_is_zero():
    assert importance(fitted({"a": UNIT}, lambda p: 4.0, n=5)) == {"a": 0.0}


def test_importance_is_of_the_target_that_is_named():
    surrogate = fitted({"a": UNIT, "b": UNIT}, lambda p: (p["a"], p["b"]), targets=("first", "second"))
    assert importance(surrogate, "second")["b"] == pytest.approx(1.0, abs=0.02)
    with pytest.raises(SurrogateError, match=r"'third'.*first, second"):
        importance(surrogate, "third")


def test_slices_go_through_the_point():
    parameters = {
        "a": {"low": 10.0, "high": 20.0},
        "k": {"low": 2, "high": 5, "integer": True},
        "c": {"choices": ["red", "blue"]},
        "twice": {"derived": "2 * a"},
    }
    surrogate = fitted(parameters, lambda p: p["a"] + p["k"] + (p["c"] == "red"))
    point = {"a": 15.0, "k": 3, "c": "blue"}
    found = slices(surrogate, point, n=11)
    assert found["a"].values == pytest.approx(np.linspace(10, 20, 11))
    assert found["k"].values == [2, 3, 4, 5]
    assert found["c"].values == ["red", "blue"]
    mean, std = surrogate.predict([point])["y"]
    for name, at in (("a", 5), ("k", 1), ("c", 1)):
        assert found[name].mean[at, 0] == pytest.approx(mean[0])
        assert found[name].std[at, 0] == pytest.approx(std[0], rel=1e-6)
        assert len(found[name].mean) == len(found[name].values)
    with pytest.raises(SurrogateError, match="'twice' is not a free parameter"):
        slices(surrogate, point, ["twice"])


def test_slices_of_many_integers_are_thinned_and_say_what_is_feasible():
    parameters = {"k": {"low": 1, "high": 1000, "integer": True}, "a": UNIT}
    surrogate = fitted(parameters, lambda p: p["k"] + p["a"], n=30, constraints=["k <= 600"])
    found = slices(surrogate, {"k": 5, "a": 0.5}, ["k"], n=51)["k"]
    assert len(found.values) == 51
    assert found.feasible.tolist() == [value <= 600 for value in found.values]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_optimum_is_where_the_function_has_it(sign):
    def bowl(p):
        return sign * ((p["epsilon"] - 118.0) ** 2 / 400 + (p["sigma"] - 3.4) ** 2 / 0.04)

    parameters = {"epsilon": {"low": 80.0, "high": 160.0}, "sigma": {"low": 3.0, "high": 3.8}}
    surrogate = fitted(parameters, bowl, n=40, noise=0.02)
    found = summary(surrogate.space, optimum(surrogate, sign))
    for name, truth in (("epsilon", 118.0), ("sigma", 3.4)):
        centre, spread = found[name]
        assert abs(centre - truth) < 4 * spread
        # noise 0.02 on 40 points tells the slope of a parabola with curvature 2 (per step) to about 0.01 steps
        assert 0 < spread < 0.1 * {"epsilon": 20.0, "sigma": 0.2}[name]


@pytest.mark.long
def test_the_optimum_lies_within_its_spread_as_often_as_it_should():
    """Parabolas with random minima: z = (found - truth) / spread is about 1, within 4 sigma of 20."""
    z = []
    for seed in range(10):
        a, b = np.random.default_rng(seed).uniform(0.25, 0.75, 2)
        surrogate = fitted(
            {"a": UNIT, "b": UNIT},
            lambda p, a=a, b=b: (p["a"] - a) ** 2 + (p["b"] - b) ** 2,
            n=15,
            noise=0.02,
            seed=seed,
        )
        found = summary(surrogate.space, optimum(surrogate, samples=32))
        z += [(found["a"][0] - a) / found["a"][1], (found["b"][0] - b) / found["b"][1]]
    assert 0.3 < np.sqrt(np.mean(np.square(z))) < 1 + 4 / np.sqrt(2 * len(z)) + 0.3


def test_the_optimum_of_a_parameter_that_does_not_matter_is_not_known():
    surrogate = fitted({"a": UNIT, "b": UNIT}, lambda p: (p["a"] - 0.3) ** 2, n=20, noise=0.02)
    found = summary(surrogate.space, optimum(surrogate))
    assert found["a"][1] < 0.1
    assert found["b"][1] > 0.15


def test_the_optimum_keeps_constraints_and_cells():
    parameters = {"a": UNIT, "k": {"low": 0, "high": 4, "integer": True}, "c": {"choices": ["x", "y", "z"]}}
    surrogate = fitted(
        parameters, lambda p: p["a"] + p["k"] - 3 * (p["c"] == "y"), constraints=["a + k >= 2"], noise=0.01
    )
    U = optimum(surrogate, samples=16)
    assert U.shape == (16, 3)
    np.testing.assert_allclose(surrogate.space.snap(U), U, atol=1e-12)
    assert surrogate.space.feasible(U).all()
    points = surrogate.space.from_unit(U)
    assert all(point["c"] == "y" for point in points)
    assert all(point["a"] + point["k"] < 2.1 for point in points)
    assert summary(surrogate.space, U)["c"] == ("y", 0.0)


def test_the_optimum_repeats():
    surrogate = fitted({"a": UNIT}, lambda p: (p["a"] - 0.4) ** 2, n=8, noise=0.05)
    first = optimum(surrogate, samples=8)
    np.testing.assert_array_equal(first, optimum(surrogate, samples=8))
    assert not np.array_equal(first, optimum(surrogate, samples=8, rng=np.random.default_rng(5)))


def test_both_basins_are_found():
    surrogate = fitted({"a": UNIT}, lambda p: np.cos(4 * np.pi * p["a"]), n=30, noise=0.1)
    U = optimum(surrogate, samples=64)[:, 0]
    near = [np.mean(np.abs(U - place) < 0.05) for place in (0.25, 0.75)]
    assert min(near) > 0.02
    assert sum(near) > 0.95


def test_samples_have_the_posterior_that_they_come_from():
    surrogate = fitted({"a": UNIT, "b": UNIT}, lambda p: p["a"] * np.sin(5 * p["b"]), n=20, noise=0.1)
    gp, _ = surrogate._models[0]
    X = np.random.default_rng(1).random((30, 2))
    mean, variance = gp.posterior(X)
    drawn = gp.paths(X, 4000, np.random.default_rng(2))(X)
    sigma = np.sqrt(variance / 4000)
    assert np.max(np.abs(drawn.mean(axis=0) - mean) / sigma) < 5
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=5 * np.sqrt(2 / 4000))


def test_hyperparameters_are_drawn_where_the_density_is():
    surrogate = fitted({"a": UNIT, "b": UNIT}, lambda p: np.sin(6 * p["a"]), n=60, noise=0.1)
    gp, _ = surrogate._models[0]
    draws = posterior_draws(gp, 8, 300)
    a, b = np.log([draw.hyperparameters.lengthscales for draw in draws]).T
    # the data say how fast the function changes along a; along b any long lengthscale will do
    assert np.std(a) < 0.3 < np.std(b)
    assert np.min(b) > np.max(a)
    assert [count for _, count in shares(draws, 20)] == [3, 3, 3, 3, 2, 2, 2, 2]


def slope(sign, start):
    """Return a surrogate of a slope in x, of which x from `start` to 1 was run, and the 24 runs."""
    rng = np.random.default_rng(2)
    X = np.column_stack([start + (1 - start) * rng.random(24), rng.random(24)])
    surrogate = build("gp", Space({"x": UNIT, "y": UNIT}), ["f"])
    f = sign * (2 * X[:, 0] + (X[:, 1] - 0.5) ** 2) + 0.01 * rng.standard_normal(24)
    surrogate.fit_arrays(X, f[:, None], np.full((24, 1), 0.01**2))
    return surrogate, X


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_optimum_beyond_the_range_is_on_its_edge_without_an_error(sign):
    surrogate, X = slope(sign, 0.0)
    found = locate(surrogate, sign, "f", X)
    assert (found.edges, found.doubt, found.away) == ({"x": "lower"}, "", False)
    assert np.isnan(found.place["x"][1])
    assert found.to_json()["x"]["uncertainty"] is None
    assert found.to_json()["y"]["uncertainty"] > 0
    assert abs(found.value) < 3 * found.error
    single = Single(0, {"x": 0.0, "y": 0.5}, 0.0, 0.01)
    for value, said in ((0.02 * sign, "agrees"), (0.5 * sign, "differs")):
        assert said in found.beside(Answer(single.point, value, 0.01, "model", 1, 1.0, (0,), single))


def test_an_optimum_away_from_every_run_is_said_to_be_there():
    surrogate, X = slope(1.0, 0.5)
    found = locate(surrogate, 1.0, "f", X)
    assert found.away
    single = Single(0, {"x": 0.5, "y": 0.5}, 1.0, 0.01)
    assert "away from every run" in found.beside(Answer(single.point, 1.0, 0.01, "model", 1, 1.0, (0,), single))
    assert not locate(surrogate, 1.0, "f", np.vstack([X, np.random.default_rng(0).random((400, 2))])).away
