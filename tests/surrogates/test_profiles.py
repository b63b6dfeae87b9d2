"""The learner of profiles: physics that is built in, weights, intervals, what is kept, what is refused."""

import re
from dataclasses import replace

import numpy as np
import planes
import pytest

from softal.errors import SurrogateError
from softal.objective import learn
from softal.outputs import Flaws, Known, Outputs
from softal.space import Space
from softal.space.expressions import Expression
from softal.surrogates import build_learner, load_learner
from softal.surrogates.profiles.data import Curves, ProfileData
from softal.surrogates.profiles.forms import Form
from softal.surrogates.profiles.places import depths, places
from softal.surrogates.profiles.report import score
from softal.surrogates.profiles.training import Problem
from softal.trial import Array, Observation, Trial, TrialState

QUICK = {"members": 2, "fold_members": 1, "folds": 3, "steps": 30, "width": 12}
SPACE = Space(planes.SPACE)
OBJECTIVE = replace(learn("mid"), known=planes.KNOWN)


def made(trials, objective=OBJECTIVE, space=SPACE, **settings):
    learner = build_learner("profiles", space, QUICK | settings, objective)
    learner.fit(trials)
    return learner


def problem(trials, known=planes.KNOWN, space=SPACE):
    return Problem.of(ProfileData.of(trials, space), space, known)


def curve(number, x, values, errors=None, grid=None, **more):
    grid = np.linspace(0, 1, len(values)) if grid is None else grid
    arrays = {"curve": Array.of(values, errors, grid), **more}
    return Trial(number, {"x": float(x)}, state=TrialState.DONE, observation=Observation({"y": 1.0}, arrays=arrays))


def decays(n, noise=0.0, bins=30):
    """exp(-rate t) and a cosine, over x."""
    t, rng = np.linspace(0, 1, bins), np.random.default_rng(4)
    found = []
    for i, x in enumerate(np.linspace(0, 1, n)):
        values = np.exp(-(1 + 3 * x) * t) + noise * rng.standard_normal(bins)
        wave = Array.of(np.cos(3 * t + x), None, t)
        found.append(curve(i, x, values, np.full(bins, noise) if noise else None, wave=wave))
    return found


LINE = Space({"x": {"low": 0.0, "high": 1.0}})


@pytest.fixture(scope="module")
def trials():
    return planes.slits(30, seed=1)


@pytest.fixture(scope="module")
def profiles(trials):
    return made(trials)


# What is known.


@pytest.mark.learning
class TestPhysics:
    """Holds at any point, however little the networks have learned."""

    @pytest.fixture
    def points(self):
        return planes.points(20, seed=5)

    @pytest.fixture(params=["ensemble", "gaussian_process"])
    def curves(self, request, trials, points):
        return made(trials[:15], network=request.param, steps=2).curves(points)

    def test_systems_are_neutral_and_have_their_ions(self, curves, points):
        grid = curves["positive"][0]
        width = grid[1] - grid[0]
        for i, point in enumerate(points):
            ions = [curves[name][1][i].sum() * width for name in ("positive", "negative")]
            walls = 2 * point["surface_charge"] * planes.PER_SQUARE_METRE / (point["h"] * planes.PER_MOLAR)
            assert ions[1] == pytest.approx(point["c"], rel=1e-12)
            assert point["z_p"] * ions[0] - ions[1] == pytest.approx(walls, abs=1e-12)

    def test_densities_are_positive_and_zero_in_the_walls_core(self, curves, points):
        for grid, mean, std in curves.values():
            for i, point in enumerate(points):
                inside = np.abs(grid) < (point["h"] - 0.8 * point["d"]) / (2 * point["h"])
                assert np.all(mean[i][inside] > 0)
                assert np.all(std[i][inside] > 0)
                assert np.all(mean[i][~inside] == 0)
                assert np.all(std[i][~inside] == 0)

    def test_equal_walls_have_equal_halves(self, curves):
        for _, mean, std in curves.values():
            np.testing.assert_array_equal(mean, mean[:, ::-1])
            np.testing.assert_array_equal(std, std[:, ::-1])


def test_a_form_follows_theory_closely():
    found = problem(planes.slits(8, seed=3, noise=1e-5))
    for one in found.observed:
        c, _ = one.coefficients()
        rho = one.form.curves(one.frame.places.of(c), one.frame)
        away = np.sqrt(np.mean((rho - one.values) ** 2))
        assert away < 1e-3 * one.values.max()


def test_a_curve_with_two_ends_need_not_be_symmetric():
    grid = (np.arange(61) + 0.5) / 61 - 0.5
    known = Known(True, False, "0.4 + 0*x", "0.35 + 0*x", "1 + x")
    found = []
    for i, x in enumerate(np.linspace(0, 1, 9)):
        values = np.where(np.abs(grid) < 0.4, np.exp(2 * grid), 0)
        found.append(curve(i, x, values * 61 * (1 + x) / values.sum(), grid=grid))
    objective = replace(learn("y"), known={"curve": known})
    _, mean, _ = made(found, objective, LINE, network="gaussian_process").curves([{"x": 0.5}])["curve"]
    expected = np.where(np.abs(grid) < 0.4, np.exp(2 * grid), 0)
    np.testing.assert_allclose(mean[0], 61 * 1.5 * expected / expected.sum(), rtol=0.03)
    assert mean[0].sum() / 61 == pytest.approx(1.5, rel=1e-12)


def test_an_integral_that_is_known_is_kept_where_a_curve_is_not_positive():
    found = decays(9)
    objective = replace(learn("y"), known={"wave": Known(integral="0.1 - x")})
    for trial in found:
        wave = trial.observation.arrays["wave"]
        width = np.gradient(wave.grid)
        shift = (0.1 - trial.point["x"] - np.sum(wave.values * width)) / width.sum()
        trial.observation.arrays["wave"] = replace(wave, values=wave.values + shift)
    grid, mean, _ = made(found, objective, LINE, steps=2).curves([{"x": 0.3}])["wave"]
    edges = np.concatenate([[1.5 * grid[0] - 0.5 * grid[1]], (grid[1:] + grid[:-1]) / 2])
    widths = np.diff(np.append(edges, 1.5 * grid[-1] - 0.5 * grid[-2]))
    assert mean[0] @ widths == pytest.approx(-0.2, abs=1e-12)


def test_places_turn_back_to_distances():
    support, contact = np.array([0.42, 0.4, 0.3]), np.array([0.4, 0.36, 0.3])
    distance = np.linspace(0, 0.499, 40)
    found = places(distance, support, contact)
    for i, s in enumerate(support):
        inside = distance < s
        np.testing.assert_array_equal(found.inside[i], inside)
        back, slope = depths(found.tau[i], support[i : i + 1], contact[i : i + 1])
        np.testing.assert_allclose(back[0][inside], distance[inside], atol=1e-12)
        assert np.all(slope > 0)


def test_a_spline_is_the_product_with_its_matrix_and_follows_a_straight_line():
    found = places(np.linspace(0, 0.3, 25), np.full(2, 0.4), np.full(2, 0.38))
    c = np.random.default_rng(0).standard_normal((2, 20))
    np.testing.assert_allclose(found.of(c), np.einsum("nkt,nt->nk", found.dense(20), c), atol=1e-12)
    line = np.broadcast_to((np.arange(20) - 1) / 17, (2, 20))
    np.testing.assert_allclose(found.of(line), found.tau, atol=1e-12)


@pytest.mark.parametrize("bins", [6, 7])
def test_folding_halves_squared_errors_and_is_not_done_twice(bins):
    grid = np.arange(bins) - (bins - 1) / 2
    values = np.array([np.arange(bins), np.abs(grid)], dtype=float)
    form = Form.of("rho", Curves(grid, values, np.ones((2, bins))), Known(symmetric=True))
    half, errors = form.folded(Curves(grid, values, np.ones((2, bins))))
    np.testing.assert_allclose(half[0], (bins - 1) / 2)
    assert errors[0][0] == pytest.approx(1 / np.sqrt(2))
    assert errors[0][-1] == pytest.approx(1.0 if bins % 2 else 1 / np.sqrt(2))
    np.testing.assert_array_equal(errors[1], 1.0)  # its halves were equal
    np.testing.assert_allclose(form.unfolded(half)[1], np.abs(grid))
    assert form.widths.sum() == pytest.approx(bins)


def test_expressions_of_columns_are_those_of_points():
    columns = {"a": np.array([0.5, 2.0, 3.7]), "b": np.array([1.0, -2.0, 0.3])}
    for text in (
        "a*b + 2**a",
        "max(a, b, 1) / min(a, 2)",
        "-floor(a) + ceil(b) % 2",
        "sqrt(a)*exp(b)*log(a) + pi",
        "3",
    ):
        expression = Expression(text)
        each = [expression({name: float(values[i]) for name, values in columns.items()}) for i in range(3)]
        np.testing.assert_allclose(np.broadcast_to(expression.on(columns), (3,)), each)
    assert np.isnan(Expression("log(b)").on(columns)[1])


# Errors, intervals, scores.


@pytest.mark.learning
@pytest.mark.parametrize("network", ["ensemble", "gaussian_process"])
def test_a_simulation_counts_by_its_errors(trials, network):
    """Densities that are 50 % off near one wall change little where their errors say so, and much where they do not."""
    points = [trial.point for trial in trials[:3]]

    def spoiled(trial, error):
        tilt = np.abs(np.linspace(-1, 1, 120))
        arrays = {
            name: replace(a, values=a.values * (1 + tilt) / np.mean(a.values * (1 + tilt)) * a.values.mean(),
                          errors=a.errors * error)
            for name, a in trial.observation.arrays.items()
        }  # fmt: skip
        return replace(trial, observation=replace(trial.observation, arrays=arrays))

    settings = {"network": network, "steps": 150}
    right = made(trials, **settings).curves(points)["negative"][1]
    moved = {}
    for error in (1.0, 100.0):
        found = made([*(spoiled(trial, error) for trial in trials[:3]), *trials[3:]], **settings).curves(points)
        moved[error] = np.sqrt(np.mean((found["negative"][1] - right) ** 2))
    assert moved[100.0] < 0.5 * moved[1.0]


@pytest.mark.learning
@pytest.mark.parametrize("network", ["ensemble", "gaussian_process"])
def test_intervals_cover_what_is_true_as_often_as_they_say(network):
    """Of other systems without noise, 95 % +- 5 % lie in the 95 % intervals: 40 systems have some 20 shapes."""
    settings = {"network": network, "steps": 400, "fold_members": 2, "members": 4, "width": 32}
    found = made(planes.slits(60, seed=2), **settings)
    others = planes.slits(40, seed=77, noise=0.0)
    curves = found.curves([trial.point for trial in others])
    inside, sizes = [], []
    for name, (_, mean, std) in curves.items():
        true = np.array([trial.observation.arrays[name].values for trial in others])
        there = std > 0
        inside += list((np.abs(true - mean) < 1.96 * std)[there])
        sizes.append(np.mean(std[there]) / np.mean(true[there]))
    assert 0.88 < np.mean(inside) < 0.995
    assert max(sizes) < 0.05  # they are of use, too


def test_a_score_is_the_papers_and_what_stands_beside_it():
    found = problem(planes.slits(12, seed=8))
    one = found.observed[0]
    exact = score(one, one.values, np.zeros_like(one.values))
    assert (exact.success, exact.rmse, exact.coverage) == (1.0, 0.0, 1.0)
    away = score(one, one.values + 2 * one.errors, np.zeros_like(one.values))
    assert away.success == 0.0
    assert away.coverage == 0.0  # 2 > 1.96
    assert score(one, one.values + 2 * one.errors, one.errors).coverage == 1.0
    noisy = replace(one, errors=one.errors * 3)
    assert score(noisy, one.values + 2 * one.errors, np.zeros_like(one.values)).success == 1.0
    counts = one.frame.places.inside & (one.values != 0)
    assert away.error == pytest.approx(one.errors[counts].mean())
    assert away.features["mid"]["rmse"] == pytest.approx(2 * np.sqrt(np.mean(one.errors[:, -1] ** 2)))


def test_the_contact_is_the_bin_where_ions_touch_the_wall():
    found = problem(planes.slits(6, seed=8))
    one = found.observed[0]
    lifted = one.values.copy()
    for i, trial in enumerate(found.data.points):
        k = np.argmin(np.abs(one.form.distance - (trial["h"] - trial["d"]) / (2 * trial["h"])))
        lifted[i, k] += 0.25
    assert score(one, lifted, np.ones_like(lifted)).features["contact"]["rmse"] == pytest.approx(0.25)


# Learning.


@pytest.mark.learning
def test_more_trials_teach_more_and_less_than_noise_is_left(trials):
    settings = {"steps": 400, "members": 4, "width": 32}
    others = planes.slits(30, seed=77, noise=0.0)

    def rmse(learner):
        curves = learner.curves([trial.point for trial in others])
        true = np.array([trial.observation.arrays["positive"].values for trial in others])
        return np.sqrt(np.mean((curves["positive"][1] - true) ** 2))

    few, many = (rmse(made(planes.slits(n, seed=11), **settings)) for n in (12, 60))
    assert many < 0.7 * few
    errors = [trial.observation.arrays["positive"].errors for trial in trials]
    assert many < np.mean(errors)


@pytest.mark.learning
@pytest.mark.parametrize("network", ["ensemble", "gaussian_process"])
def test_any_curves_of_any_simulator_are_learned(network):
    found = made(decays(25, 0.01), learn("y"), LINE, network=network, steps=300)
    assert found.arrays == ("curve", "wave")
    grid, mean, std = found.curves([{"x": 0.37}])["curve"]
    assert np.max(np.abs(mean[0] - np.exp(-(1 + 3 * 0.37) * grid))) < 0.03
    assert np.all((std > 0) & (std < 0.1))
    assert {"rmse_curve", "success_curve", "coverage_wave"} <= found.metrics().keys()
    assert "success_wave" not in found.metrics()  # no errors are known


@pytest.mark.learning
def test_positive_curves_without_a_support_stay_positive():
    objective = replace(learn("y"), known={"curve": Known(positive=True)})
    _, mean, _ = made(decays(12, 0.3), objective, LINE).curves([{"x": 1.0}, {"x": 0.0}])["curve"]
    assert np.all(mean > 0)


@pytest.mark.learning
@pytest.mark.parametrize("network", ["ensemble", "paper", "gaussian_process"])
def test_curves_that_are_all_alike_are_learned(network):
    found = [curve(i, x, np.ones(20)) for i, x in enumerate(np.linspace(0, 1, 10))]
    _, mean, std = made(found, learn("y"), LINE, network=network, epochs=1000).curves([{"x": 0.37}])["curve"]
    np.testing.assert_allclose(mean, 1.0, atol=0.3)
    assert np.all(np.isfinite(std))


@pytest.mark.learning
def test_bins_that_no_simulation_has_measured_are_not_predicted():
    found = decays(12, 0.01)
    for i, trial in enumerate(found):
        trial.observation.arrays["curve"].values[0] = np.nan
        trial.observation.arrays["curve"].values[5 + i] = np.nan
    _, mean, std = made(found, learn("y"), LINE).curves([{"x": 0.5}])["curve"]
    assert np.isnan(mean[0, 0])
    assert np.isnan(std[0, 0])
    assert np.all(np.isfinite(mean[0, 1:]))


@pytest.mark.learning
def test_flawed_runs_teach_nothing(trials):
    flawed = replace(trials[0], id=99, observation=replace(trials[0].observation, values={"mid": 1.0, "frozen": 1.0}))
    flawed.observation.arrays["positive"].values[:] *= 1.0
    objective = replace(OBJECTIVE, flaws=Flaws({"frozen": 1.0}))
    kept = made(trials, objective).curves([trials[3].point])["positive"][1]
    np.testing.assert_array_equal(made([*trials, flawed], objective).curves([trials[3].point])["positive"][1], kept)


@pytest.mark.learning
def test_what_the_settings_say_counts_beside_what_the_simulator_says(trials):
    objective = replace(learn("mid"), known={name: Known(positive=True) for name in planes.KNOWN})
    said = {name: {"symmetric": True, "support": one.support} for name, one in planes.KNOWN.items()}
    form = made(trials, objective, known=said)._inputs.forms[0]
    assert form.known == Known(True, True, planes.KNOWN["negative"].support)


@pytest.mark.learning
def test_what_is_loaded_predicts_the_same(trials, tmp_path):
    for network in ("ensemble", "paper", "gaussian_process"):
        found = made(trials, network=network, epochs=2)
        found.save(tmp_path / network)
        loaded = load_learner(tmp_path / network)
        for name, one in found.curves(planes.points(5, seed=9)).items():
            for part, other in zip(one, loaded.curves(planes.points(5, seed=9))[name], strict=True):
                np.testing.assert_array_equal(part, other)


# The committee.


@pytest.mark.learning
@pytest.mark.parametrize("network", ["ensemble", "gaussian_process", "paper"])
def test_members_disagree_where_nothing_was_simulated(network):
    near = [trial for trial in planes.slits(60, seed=1) if trial.point["c"] < 0.5][:20]
    learner = build_learner("profiles", SPACE, QUICK | {"network": network, "members": 4, "epochs": 60}, OBJECTIVE)
    predict = learner.committee(near, 3)
    U = SPACE.sample(40, np.random.default_rng(0))
    column = SPACE.names.index("c")
    low, high = U.copy(), U.copy()
    low[:, column], high[:, column] = 0.15, 1.0
    spread = [predict(X).std(axis=0).mean() for X in (low, high)]
    assert predict(U).shape[:2] == (16 if network == "gaussian_process" else 4, 40)
    assert spread[1] > 1.2 * spread[0]


def test_a_committee_needs_two_members(trials):
    with pytest.raises(SurrogateError, match="members: 1 is given; a committee that disagrees has 2 or more"):
        build_learner("profiles", SPACE, QUICK | {"members": 1}, OBJECTIVE).committee(trials)


# The paper's network.


@pytest.mark.learning
def test_the_papers_network_is_512_256_and_a_fifth_of_the_trials_tests_it(trials):
    found = build_learner("profiles", SPACE, {"network": "paper", "epochs": 3}, OBJECTIVE)
    found.fit(trials)
    assert [part.shape for part in found._model.layers[::2]] == [(1, 5, 512), (1, 512, 256), (1, 256, 120)]
    assert len(found.tables()["profiles"]["arrays"]["positive"]["by_trial"]) == 6


# What is refused.


def test_a_profile_with_other_bins_is_refused_in_one_line(trials):
    odd = planes.trial(40, trials[0].point, bins=100)
    learner = made([*trials, odd])
    assert learner.untrained == "trial 40, array 'negative': it has 100 bins; 120 are needed, as in trial 0"
    with pytest.raises(SurrogateError, match="the profiles are not learned: trial 40"):
        learner.curves([trials[0].point])


def test_a_grid_that_lies_elsewhere_is_refused(trials):
    array = trials[0].observation.arrays["positive"]
    arrays = trials[0].observation.arrays | {"positive": replace(array, grid=array.grid * 2)}
    moved = replace(trials[0], id=41, observation=Observation({"mid": 1.0}, arrays=arrays))
    assert made([*trials, moved]).untrained == (
        "trial 41, array 'positive': bin 0 lies at -0.991667; -0.495833 is needed, as in trial 0"
    )


@pytest.mark.parametrize(
    ("fact", "text", "said"),
    [
        ("integral", "2*c", r"trial \d+, array 'negative': its integral is 0\.\d+; `integral` says"),
        ("support", "0.3 + 0*h", r"trial \d+, array 'negative': \d\S+ at a distance of 0\.\d+ from"),
        ("support", "h - 3.5", r"array 'negative': support `h - 3.5` is -0\.\d+ at h = 3\.\d+"),
        ("contact", "log(c - 1)", r"array 'negative': contact `log\(c - 1\)` is nan at c = 0\.\d+"),
    ],
)  # fmt: skip
def test_what_is_wrongly_said_to_be_known_is_refused(trials, fact, text, said):
    known = {"negative": replace(planes.KNOWN["negative"], **{fact: text})}
    with pytest.raises(SurrogateError, match=said):
        problem(trials, known)


def test_an_array_that_trials_lack_is_refused(trials):
    learner = made(trials, arrays=["positive", "pressure"])
    assert learner.untrained == "trial 0, array 'pressure': it is missing; the trial has negative, positive"


def test_too_few_trials_are_refused(trials):
    said = "profiles are learned from 6 different points at least; there are "
    assert made(trials[:4]).untrained == said + "4"
    assert made([replace(trials[0], id=i) for i in range(20)]).untrained == said + "1"


@pytest.mark.parametrize(
    ("settings", "arrays", "said"),
    [
        ({"arrays": ["positve"]}, {"positive"}, "positve"),
        ({"known": {"positive": {"support": "H - d"}}}, {"positive"}, "known.positive.support: .*'H'"),
        ({}, set(), "the simulator returns no arrays, only values"),
        ({"arrays": ["positive"]}, {"positive"}, None),
        ({"arrays": ["anything"]}, None, None),
    ],
)
def test_a_campaign_that_cannot_serve_it_is_refused(settings, arrays, said):
    learner = build_learner("profiles", SPACE, settings)
    found = learner.suits(learner.settings, SPACE, None if arrays is None else frozenset(arrays))
    if said is None:
        assert found is None
    else:
        assert found is not None
        assert re.search(said, found)


def test_a_formula_that_is_no_arithmetic_is_refused():
    with pytest.raises(SurrogateError, match=r"known\.rho\.support.*not arithmetic"):
        build_learner("profiles", SPACE, {"known": {"rho": {"support": "h -"}}})


def test_outputs_say_nothing_unless_a_simulator_does():
    assert Outputs().known == {}
