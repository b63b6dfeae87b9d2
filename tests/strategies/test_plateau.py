"""Rare success on a plateau: 1e-8 +- 1e-8 nearly everywhere, and a peak on a hundredth of the space.

Known errors are not all errors, and a large value is not an outlier. Once the peak is hit, a strategy stays with it.
"""

import numpy as np
import pytest

from softal.objective import learn, match, maximize
from softal.references import Reference
from softal.strategies import build
from softal.strategies.bayesian.exploration import NEAR
from softal.surrogates import build as build_surrogate
from softal.trial import Array, Observation, Trial, TrialState
from strategies.campaigns import cube

pytestmark = pytest.mark.learning

CENTRE, RADIUS = np.array([0.31, 0.62]), 0.056  # a hundredth of the unit square
HIT = CENTRE + np.array([0.03, -0.015])
GRID = np.linspace(0.0, 1.0, 12)
HITS_AT, TRIALS = 12, 36
LONGER = 90  # CMA-ES takes generations to contract onto what others found


def peak(u, rng):
    """Return a probability and its error: honest on the peak, nearly zero on the plateau."""
    p = 1.0 / (1.0 + np.exp(np.clip(-80.0 * (RADIUS - np.linalg.norm(u - CENTRE)), -7.0, 18.5)))
    error = 0.03 * p + 1e-8
    return float(np.clip(p + error * rng.standard_normal(), 0.0, 1.0)), error


def observed(number, u, objective, rng, notes=None):
    value, error = peak(u, rng)
    point = dict(zip(("x0", "x1"), (float(x) for x in u), strict=True))
    kept = {"state": TrialState.DONE, "notes": notes or {}}
    if not objective.matching:
        return Trial(number, point, objective={"y": value}, objective_errors={"y": error}, **kept)
    curve = Array(1.0 - value + np.sin(6 * GRID), np.full(len(GRID), error / 12**0.5), GRID)
    observation = Observation({}, {}, {"curve": curve})
    values, errors = objective.evaluate(observation)
    return Trial(number, point, observation=observation, objective=values, objective_errors=errors, **kept)


CURVE = match({"curve": Reference("curve", GRID, np.sin(6 * GRID))})


def campaign(kind, objective, settings=None, seed=0, trials=TRIALS):
    """Return the trials of a strategy that is asked with one pending, and is told a hit early."""
    strategy, rng = build(kind, cube(2), objective, seed, settings), np.random.default_rng(seed)
    told, pending = [], []
    for number in range(trials):
        [proposal] = strategy.ask(1, pending)
        u = HIT if number == HITS_AT else strategy.space.to_unit([proposal.point])[0]
        notes = {} if number == HITS_AT else proposal.notes
        pending.append(observed(number, u, objective, rng, notes))
        if len(pending) > 1:
            told.append(pending.pop(0))
            strategy.tell(told[-1:])
    return told


def unit(trials):
    return cube(2).to_unit([trial.point for trial in trials])


def in_basin(U):
    return np.linalg.norm(U - CENTRE, axis=1) < 1.3 * RADIUS


STRATEGIES = {
    "qLogNoisyEI": ("bayesian", {"acquisition": "qLogNoisyEI"}),
    "qLogEI": ("bayesian", {"acquisition": "qLogEI"}),
    "UCB": ("bayesian", {"acquisition": "UCB"}),
    "Thompson": ("bayesian", {"acquisition": "Thompson"}),
    "mixture": ("mixture", {"strategies": [{"kind": "cmaes", "x0": {"x0": 0.5, "x1": 0.5}}, "bayesian"]}),
}


@pytest.mark.long
@pytest.mark.parametrize(("kind", "settings"), STRATEGIES.values(), ids=STRATEGIES)
def test_half_of_what_follows_a_hit_lies_in_its_basin(kind, settings):
    trials = campaign(kind, maximize("y"), settings, trials=TRIALS if kind == "bayesian" else LONGER)
    U, y = unit(trials), np.array([trial.objective["y"] for trial in trials])
    errors = np.array([trial.objective_errors["y"] for trial in trials])
    assert in_basin(U[HITS_AT + 3 :]).mean() >= 0.5
    assert y.max() > 0.9
    # Nowhere on the plateau, where no repeat can change who is best, is a run repeated.
    for i in range(HITS_AT + 3, len(trials)):
        hopeless = U[: i - 1][y[: i - 1] + 3 * errors[: i - 1] < 0.1]
        assert not np.any(np.all(np.abs(hopeless - U[i]) < NEAR, axis=1)), (i, trials[i].notes)


@pytest.mark.long
@pytest.mark.parametrize("settings", [{}, {"acquisition": "UCB"}, {"acquisition": "Thompson"}], ids=str)
def test_curves_too(settings):
    trials = campaign("bayesian", CURVE, {"model": "composite", **settings})
    assert in_basin(unit(trials)[HITS_AT + 3 :]).mean() >= 0.5


@pytest.mark.parametrize("acquisition", ["qLogNoisyEI"])
def test_it_is_said_when_nothing_is_expected(acquisition):
    """On a plateau of ones the best is known to a thousandth of a run's error: exploration takes turns with it."""
    strategy, notes = build("bayesian", cube(1), maximize("y"), 0, {"acquisition": acquisition}), []
    rng = np.random.default_rng(0)
    for number in range(40):
        [proposal] = strategy.ask(1)
        x = proposal.point["x0"]
        value = min(1.0, 2.5 * x) + 0.1 * rng.standard_normal()
        done = {"state": TrialState.DONE, "objective": {"y": value}, "objective_errors": {"y": 0.1}}
        strategy.tell([Trial(number, proposal.point, **done)])
        notes.append(proposal.notes)
    reasons = [note for note in notes if "because" in note]
    assert {note["acquisition"] for note in reasons} == {"Thompson", "exploration"}


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1])
def test_a_committee_that_learns_changes_stays_with_the_peak(seed):
    """Half of what follows lies within two radii: what is to be learned of a peak is its flank and its foot, too."""
    U = unit(campaign("committee", learn("y"), {"surrogate": "gp", "criterion": "change"}, seed))
    assert (np.linalg.norm(U[HITS_AT + 3 :] - CENTRE, axis=1) < 2 * RADIUS).mean() >= 0.5


def test_a_committee_does_not_repeat_what_it_knows():
    U = unit(campaign("committee", learn("y"), {"surrogate": "gp"}))
    assert not any(np.any(np.all(np.abs(U[: i - 1] - U[i]) < NEAR, axis=1)) for i in range(HITS_AT + 3, len(U)))


@pytest.mark.parametrize(("kind", "hits"), [("gp", 3), ("gp", 8), ("composite", 3), ("composite", 8), ("ensemble", 8)])
def test_surrogates_see_the_peak(kind, hits):
    """The predicted optimum is where the hits are, and the hits are predicted as what they are."""
    rng = np.random.default_rng(3)
    objective = CURVE if kind == "composite" else maximize("y")
    plateau = [u for u in rng.random((80, 2)) if np.linalg.norm(u - CENTRE) > 2.5 * RADIUS]
    peaks = CENTRE + 0.5 * RADIUS * rng.uniform(-1, 1, (hits, 2))
    trials = [observed(i, u, objective, rng) for i, u in enumerate([*plateau, *peaks])]
    surrogate = build_surrogate(kind, cube(2), objective.names, None, objective)
    surrogate.fit(trials)
    found = surrogate.posterior(peaks).mean[:, 0]
    away = surrogate.posterior(np.array(plateau)).mean[:, 0]
    assert abs(found.mean() - away.mean()) > 0.5 * abs(trials[-1].objective[objective.names[0]] - away.mean())


def test_a_surrogate_that_is_asked_for_nothing_sees_the_peak_too():
    rng = np.random.default_rng(3)
    plateau = [u for u in rng.random((80, 2)) if np.linalg.norm(u - CENTRE) > 2.5 * RADIUS]
    peaks = CENTRE + 0.5 * RADIUS * rng.uniform(-1, 1, (6, 2))
    trials = [observed(i, u, maximize("y"), rng) for i, u in enumerate([*plateau, *peaks])]
    surrogate = build_surrogate("gp", cube(2), ["y"])
    surrogate.fit(trials)
    assert surrogate.posterior(peaks).mean.mean() > 0.5
