"""The learner of potentials: what it recovers, what it says of its errors, what is far, what it refuses."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
import soft_shells
from soft_shells import SPACE, crystal, crystals, shaken, trial

from softal.errors import SurrogateError
from softal.objective import learn
from softal.outputs import Flaws
from softal.space import Space
from softal.surrogates import build, build_learner, load_learner
from softal.surrogates.symmetry_potential import data
from softal.surrogates.symmetry_potential.data import Environments, Run, held_out
from softal.surrogates.symmetry_potential.errors import Believed, Whitened
from softal.surrogates.symmetry_potential.selection import knees
from softal.surrogates.symmetry_potential.symmetry_potential import load_potential, potential_folder
from softal.surrogates.symmetry_potential.training import Split, train
from softal.theory.many_body import shells
from softal.theory.many_body.fitted import FittedPotential
from softal.theory.many_body.symmetry_functions import SymmetryFunctions, pool
from softal.trial import Array, Observation

pytestmark = pytest.mark.physics  # compiles

SMALL = {"radial": [{"eta": [1, 4, 16], "R_s": [0, 0.5]}], "angular": [{"eta": [0.1, 2], "xi": [1, 2]}]}
TRUE = FittedPotential(SymmetryFunctions(1.0, [[4, 0.5], [1, 0]], [[2, 2, -1]]), [0.3, -0.05, 0.2], 0.01)


def learner(**settings):
    return build_learner("symmetry_potential", Space(SPACE), settings)


def fitted(trials, **settings):
    made = learner(**settings)
    made.fit(trials)
    assert made.untrained is None
    return made


def shown(made):
    return made.tables()["symmetry_potential"]


@pytest.fixture(scope="module")
def runs():
    return soft_shells.simulated(20)


@pytest.fixture(scope="module")
def learned(runs):
    return fitted(runs)


# Fits.


@pytest.mark.parametrize("intercept", [True, False])
def test_a_known_combination_is_recovered(intercept):
    true = TRUE if intercept else replace(TRUE, intercept=0.0)
    made = fitted(crystals(8, true.energies), pool=SMALL, intercept=intercept)
    positions, box = crystal(3.3)
    energies, sd = made.energies(positions + 0.01, box)
    assert energies == pytest.approx(true.energies(positions + 0.01, box), abs=1e-9)
    assert sd.max() < 1e-7
    assert made.metrics()["r2_held_out"] == pytest.approx(1)
    assert shown(made)["intercept"] == (pytest.approx(0.01, abs=1e-7) if intercept else None)
    found = {(f["kind"], f["eta"], f.get("R_s"), f.get("xi")): f["coefficient"] for f in shown(made)["chosen"]}
    if len(found) == 3:
        assert found["angular", 2.0, None, 2] == pytest.approx(0.2, rel=1e-6)


def test_a_combination_that_is_chosen_at_once_is_recovered_to_the_last_digits():
    one = FittedPotential(SymmetryFunctions(1.0, [[4, 0.5]]), [0.3], 0.01)
    made = fitted(crystals(6, one.energies), pool=SMALL)
    assert len(made.potential.coefficients) == 1
    assert made.potential.coefficients[0] == pytest.approx(0.3, rel=1e-12)
    assert made.potential.functions.radial.tolist() == [[4, 0.5]]


def test_a_combination_in_space_is_recovered():
    """As of depletion: longer than sigma, and none of a particle alone."""
    one = FittedPotential(SymmetryFunctions(1.4, [[2, 0.7]], [[0.5, 2, -1]]), [-0.1, 0.02])
    pairs = {"radial": [{"eta": [3.92], "R_s": [0.5]}], "angular": [{"eta": [0.98], "xi": [2, 4]}]}

    def dilute(number):
        rng = np.random.default_rng(number)
        positions = rng.random((2, 30, 3)) * 3.5
        return trial(number, {"rho": 0.7 + number / 100}, positions, np.full((2, 3), 3.5), one.energies)

    made = fitted([dilute(i) for i in range(5)], cutoff=1.4, intercept=False, pool=pairs)
    assert (made.dimension, len(made.potential.coefficients)) == (3, 2)
    assert made.potential.coefficients == pytest.approx([-0.1, 0.02], rel=1e-9)


def test_without_an_intercept_a_lone_particle_has_no_energy(runs):
    made = fitted(runs, intercept=False)
    assert made.energies(np.array([[1.0, 1.0]]), np.array([4.0, 4.0]))[0].tolist() == [0.0]


def test_the_energy_of_shells_is_learned(learned):
    found = shown(learned)
    assert found["functions"] == 18
    assert found["curve"]["rmse_held_out"][6] < 3e-4
    assert found["rmse_held_out"] < 2e-4
    assert found["r2_held_out"] > 0.999
    positions, boxes = shaken({"rho": 3.1, "beta_K": 30.0, "start": "hexagonal"}, np.random.default_rng(9), 1)
    energies, sd = learned.energies(positions[0], boxes[0])
    wrong = energies - shells.energies(positions[0], boxes[0])
    assert np.sqrt(np.mean(wrong**2)) < 3e-4
    assert np.mean(np.abs(wrong) < 2 * sd) > 0.8
    assert energies == pytest.approx(learned.potential.energies(positions[0], boxes[0]), rel=1e-12)


def test_the_figures_are_those_of_the_potential_on_the_runs_held_out(runs, learned):
    found = shown(learned)
    wrong, held = [], set(found["held_out"])
    for one in runs:
        arrays = one.observation.arrays
        if one.id in held:
            for positions, box, energies in zip(*(arrays[name].values for name in data.ARRAYS), strict=True):
                wrong.append(learned.energies(positions, box)[0] - energies)
    assert found["rmse_held_out"] == pytest.approx(np.sqrt(np.mean(np.square(wrong))), rel=1e-6)
    assert found["curve"]["rmse_held_out"][17] == pytest.approx(found["rmse_held_out"], rel=1e-6)
    assert len(held) == 4
    assert found["environments"] == 16 * 3 * 36


def test_most_energies_lie_within_their_intervals(learned):
    found = shown(learned)
    assert found["coverage"] == {level: part for level, _, part in found["coverages"]}[0.95]
    assert found["coverage"] > 0.85


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.4, 0.03), (0.0, 0.1)])
def test_errors_are_calibrated_by_what_was_left_out(a, b):
    rng = np.random.default_rng(1)
    h = 1 + rng.chisquare(18, 20_000)
    wrong = 2e-4 * np.sqrt(a + b * h) * rng.standard_normal(len(h))
    found = Believed(Whitened(np.zeros(1), np.eye(1)), 1e-4, 1.0, 1e-4, True).calibrated(h, wrong)
    for x in (5.0, 19.0, 40.0):
        assert found.a + found.b * x == pytest.approx(4 * (a + b * x), rel=0.1)


def test_fits_are_deterministic_and_know_their_seed(runs, learned):
    again, other = fitted(runs[::-1]), fitted(runs, seed=1)
    assert again.potential.coefficients.tolist() == learned.potential.coefficients.tolist()
    assert shown(other)["held_out"] != shown(learned)["held_out"]


def test_fewer_environments_are_drawn_where_fewer_are_wanted(runs):
    assert shown(fitted(runs, environments=50))["environments"] == 16 * 50


def test_new_trials_cost_no_more_than_themselves(runs, monkeypatch):
    monkeypatch.setattr(data, "_kept", {})
    asked, true = [], SymmetryFunctions.values
    monkeypatch.setattr(SymmetryFunctions, "values", lambda *given: asked.append(1) or true(*given))
    fitted(runs[:-1])
    first = len(asked)
    fitted(runs)
    assert (first, len(asked) - first) == (19 * 3, 3)


def test_runs_that_are_flawed_are_left_out(runs):
    goal = replace(learn("energy"), flaws=Flaws({"melted": 1.0}))
    marked = [replace(one, observation=replace(one.observation, values={"melted": float(one.id < 5)})) for one in runs]
    made = build_learner("symmetry_potential", Space(SPACE), {}, goal)
    made.fit(marked)
    assert shown(made)["trials"] == 15


# Splits.


def run(number, **point):
    return Run(number, point, Environments(np.empty((0, 1)), np.empty(0), 1.0, 2), "")


def test_runs_at_one_point_are_on_one_side_and_stay_there():
    many = [run(i, x=float(i // 2)) for i in range(40)]
    first, then = held_out(many[:30], 0.2, 0), held_out(many, 0.2, 0)
    assert (sum(first), sum(then)) == (6, 8)
    assert all(first[i] == first[i + 1] for i in range(0, 30, 2))
    assert then[:30] == first
    assert held_out(many, 0.2, 1) != then


@pytest.mark.parametrize(("n", "part", "out"), [(3, 0.2, 1), (2, 0.5, 1), (5, 0.2, 1), (10, 0.3, 3), (8, 0.01, 1)])
def test_something_is_held_out_and_something_learned_from(n, part, out):
    assert sum(held_out([run(i, x=float(i)) for i in range(n)], part, 0)) == out


# Knees.


def test_knees_are_where_three_lines_meet():
    x = np.arange(1, 31)
    curve = -2.0 - 0.5 * np.minimum(x, 7) - 0.05 * np.clip(x - 7, 0, 11) - 0.001 * x
    assert knees(np.exp(curve).tolist()) == (7, 18)
    assert knees(np.exp(curve[:24] + 0.01 * np.sin(x[:24])).tolist()) == (7, 18)
    assert knees([1.0] * 6) is None


# What is far.


def test_what_was_not_learned_from_is_far(learned):
    assert shown(learned)["far_held_out"] <= 0.003
    rng = np.random.default_rng(3)
    inside = shaken({"rho": 3.3, "beta_K": 100.0, "start": "hexagonal"}, rng, 1)
    assert learned.far(inside[0][0], inside[1][0]).mean() < 0.05
    gas = np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]])
    assert learned.far(gas, np.array([4.0, 4.0])).all()
    for rho in (6.0, 9.0):
        positions, box = crystal(rho, rows=8)
        assert learned.far(positions + rng.normal(0, 0.01, positions.shape), box).all()


def test_an_extreme_run_does_not_have_all_known_that_is_nearer():
    """One of ten runs lies elsewhere along the first function; the second one scatters as it did."""
    rng = np.random.default_rng(4)
    made = []
    for number in range(10):
        X = rng.normal(size=(400, 2)) + np.array([30.0 * (number == 6), 0.0])
        made.append(Run(number, {"x": number}, Environments(X, X @ (1.0, 2.0), 1.0, 2), "K"))
    split = Split.of(made, learner(functions=2).settings)
    assert not split.held[6]
    novelty = train(split, learner(functions=2).settings).novelty
    assert novelty.far(np.array([[30.0, 0.0], [0.0, 0.0], [0.0, 6.0]])).tolist() == [False, False, True]


def test_errors_grow_away_from_what_was_learned(learned):
    near = learned.energies(*crystal(3.3))[1]
    away = learned.energies(*crystal(7.0, rows=8))[1]
    assert away.min() > 5 * near.max()


# What is kept.


def test_what_is_saved_is_loaded(learned, tmp_path):
    learned.provenance = {"campaign": "shells", "simulator": {"kind": "deformable_shells"}}
    learned.save(tmp_path / "learner" / "latest")
    loaded = load_potential(tmp_path)
    positions, box = crystal(3.0)
    for one, other in zip(loaded.energies(positions, box), learned.energies(positions, box), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(loaded.far(positions, box), learned.far(positions, box))
    folder = potential_folder(tmp_path)
    described = json.loads((folder / "model.json").read_text())
    assert [described["state"][name] for name in ("dimension", "cutoff", "functions")] == [2, 1.0, 18]
    assert described["provenance"]["simulator"]["kind"] == "deformable_shells"
    assert load_learner(folder).tables() == learned.tables()


@pytest.mark.parametrize("settings", [{"pool": SMALL}, {"pool": {"radial": SMALL["radial"]}}, {"cutoff": 0.9}])
def test_any_pool_is_saved(settings, tmp_path):
    made = fitted(crystals(5), **settings)
    made.save(tmp_path)
    loaded = load_potential(tmp_path)
    assert loaded.settings == made.settings
    assert loaded.energies(*crystal(3.0))[0].tolist() == made.energies(*crystal(3.0))[0].tolist()


def test_what_is_no_potential_is_said_in_one_line(tmp_path):
    with pytest.raises(
        SurrogateError, match=r"no trained potential in .*shells; `softal launch campaigns/shells.yaml`"
    ):
        load_potential(tmp_path / "shells")
    gp = build("gp", Space(SPACE), ["energy"])
    gp.fit(crystals(5))
    gp.save(tmp_path / "gp")
    with pytest.raises(SurrogateError, match="kind 'gp', which is no potential"):
        potential_folder(tmp_path / "gp")
    made = learner()
    made.fit(crystals(2))
    made.save(tmp_path / "few")
    with pytest.raises(
        SurrogateError, match=r"the potential in here is not trained: .* 3 points at least; there are 2"
    ):
        potential_folder(tmp_path / "few", "here")


@pytest.mark.parametrize(
    ("name", "value"), [("functions", 17), ("dimension", 4), ("cutoff", -1.0), ("intercept", float("nan"))]
)
def test_a_description_that_does_not_fit_is_refused(learned, tmp_path, name, value):
    learned.save(tmp_path)
    path = tmp_path / "model.json"
    description = json.loads(path.read_text())
    description["state"][name] = value
    path.write_text(json.dumps({key: part for key, part in description.items() if key != "checksum"}))
    with pytest.raises(SurrogateError) as caught:
        load_potential(tmp_path)
    assert "\n" not in str(caught.value)


def test_configurations_of_another_dimension_or_in_too_small_a_box_are_refused(learned):
    with pytest.raises(SurrogateError, match="3 dimensions is given to a potential of 2"):
        learned.energies(np.zeros((4, 3)), np.full(3, 5.0))
    with pytest.raises(SurrogateError, match=r"more than half the box, whose shortest side is 1\.9"):
        learned.far(np.zeros((2, 2)), np.array([1.9, 5.0]))
    with pytest.raises(SurrogateError, match="not been fitted"):
        learner().energies(np.zeros((2, 2)), np.array([5.0, 5.0]))


# What cannot be learned from.


def changed(name, values):
    """Trials of which the third has another array."""
    trials = crystals(5)
    arrays = dict(trials[2].observation.arrays)
    arrays[name] = Array.of(values(arrays[name].values))
    return [*trials[:2], replace(trials[2], observation=Observation(arrays=arrays)), *trials[3:]]


def spatial(number):
    rng = np.random.default_rng(number)
    return trial(number, {"rho": 3.0}, rng.random((1, 20, 3)) * 3, np.full((1, 3), 3.0), lambda p, box: p[:, 0])


@pytest.mark.parametrize(
    ("trials", "settings", "said"),
    [
        (lambda: changed("configurations", lambda v: v[0]), {}, r"trial 2, array 'configurations': shape \(36, 2\)"),
        (lambda: changed("configurations", lambda v: v[:, :9]), {}, r"'particle_energies': shape \(3, 36\); \(3, 9\)"),
        (lambda: changed("boxes", lambda v: v[:2]), {}, r"trial 2, array 'boxes': shape \(2, 2\); \(3, 2\) is needed"),
        (lambda: changed("particle_energies", lambda v: v * np.inf), {}, "trial 2, .*: 108 of 108 numbers are not fin"),
        (lambda: changed("configurations", lambda v: 0 * v), {}, "trial 2, array .*: two particles are in one place"),
        (lambda: crystals(5), {"cutoff": 2.0}, r"trial 0, array 'boxes': a side is .*; allowed: 4 sigma or more"),
        (lambda: crystals(5, lambda p, box: np.full(len(p), 0.3)), {}, "the energies do not vary: all 432 are 0.3"),
        (lambda: [*crystals(4), spatial(4)], {}, "trial 4, .* 3 dimensions; 2 are needed, as in trial 0"),
        (lambda: crystals(5), {"cutoff": 0.1}, "none of the pool's 108 functions varies over 432 environments"),
        (lambda: crystals(2), {}, "3 points at least; there are 2"),
    ],
)
def test_what_cannot_be_learned_from_is_said_in_one_line(trials, settings, said):
    made = learner(**settings)
    made.fit(trials())
    assert made.untrained is not None
    with pytest.raises(SurrogateError, match=f"not trained: .*{said}") as caught:
        made.energies(np.zeros((1, 2)), np.full(2, 9.0))
    assert "\n" not in str(caught.value)
    assert made.metrics() == {}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"pool": {}}, "pool: no functions are given; allowed: 1 to 1000, radial or angular"),
        ({"pool": {"radial": [{"eta": list(range(1001))}]}}, "pool: 1001 functions are given; allowed: 1 to 1000"),
        ({"pool": {"radial": [{"eta": []}]}}, r"pool.radial.0.eta: .*at least 1 item"),
        ({"pool": {"radial": [{"eta": [float("nan")]}]}}, r"pool.radial.0.eta.0: nan is given, .*finite"),
        ({"pool": {"angular": [{"eta": [1], "xi": [1.5]}]}}, r"pool.angular.0.xi.0: 1.5 is given.* integer"),
        ({"pool": {"angular": [{"eta": [1], "xi": [1], "lambda": [0.5]}]}}, r"pool.angular.0.lambda.0: 0.5 .*-1 or 1"),
        ({"cutoff": 0}, "cutoff: 0 is given, but it must be greater than 0"),
        ({"held_out": 0.6}, "held_out: 0.6 is given, but it must be less than or equal to 0.5"),
    ],
)
def test_settings_that_are_wrong_are_said(settings, said):
    with pytest.raises(SurrogateError, match=said) as caught:
        learner(**settings)
    assert "\n" not in str(caught.value)


def test_the_pool_of_the_thesis_can_be_written():
    grids = {
        "radial": [
            {"eta": np.geomspace(0.001, 24, 15).tolist()},
            {"eta": [1, 2, 4, 8, 16], "R_s": np.linspace(0.1, 0.9, 9).tolist()},
        ],
        "angular": [{"eta": [0.01, 0.1, 1, 2, 4, 8], "xi": [1, 2, 4, 8], "lambda": [-1, 1]}],
    }
    written, own = learner(pool=grids, cutoff=1.5).settings.candidates(), pool(1.5)
    np.testing.assert_allclose(written.radial, own.radial)
    np.testing.assert_allclose(written.angular, own.angular)


def test_a_simulator_without_the_arrays_does_not_suit():
    made = learner()
    assert made.suits(made.settings, made.space, frozenset(data.ARRAYS)) is None
    assert "no array 'boxes', only configurations" in made.suits(
        made.settings, made.space, frozenset(["configurations"])
    )


def test_learning_anew_takes_little(runs, learned):
    began = time.process_time()
    fitted(runs)
    assert time.process_time() - began < 2
