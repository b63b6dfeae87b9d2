"""What is proposed does not depend on the units of the objective, for any acquisition function."""

import numpy as np
import pytest

from softal.objective import learn, match, minimize
from softal.references import Reference
from softal.strategies import build
from softal.trial import Array, Observation, Trial, TrialState
from strategies.campaigns import branin, cube

pytestmark = pytest.mark.learning

GRID = np.linspace(0.0, 3.0, 9)
TRIALS = 9  # five initial points, and four of the model
SINGLE = ["qLogNoisyEI", "qLogEI", "UCB", "Thompson"]


def values(u):
    return branin(u), float(np.sum((u - [0.7, 0.5]) ** 2))


def proposed(objective, scales, settings, error=0.03):
    """Return the unit points that are proposed where each value is in another unit."""
    strategy, rng = build("bayesian", cube(2), objective, 1, settings), np.random.default_rng(0)
    points = []
    for number in range(TRIALS):
        [proposal] = strategy.ask(1)
        u = cube(2).to_unit([proposal.point])[0]
        noise = 1.0 + error * rng.standard_normal(len(objective.names))
        names = zip(objective.names, scales, values(u), noise, strict=False)
        done = {name: float(scale * (y * n)) for name, scale, y, n in names}
        names = zip(objective.names, scales, values(u), strict=False)
        errors = {name: float(scale * (error * abs(y) + 0.01)) for name, scale, y in names}
        kept = {"state": TrialState.DONE, "objective": done, "objective_errors": errors, "notes": proposal.notes}
        strategy.tell([Trial(number, proposal.point, **kept)])
        points.append(u)
    assert "acquisition" in proposal.notes
    return np.array(points)


@pytest.mark.parametrize("exponent", [-100, 100])  # 2^100 is 1.3e30, and multiplies without rounding
@pytest.mark.parametrize("acquisition", SINGLE)
def test_one_objective(acquisition, exponent):
    settings = {"acquisition": acquisition}
    usual, scaled = (proposed(minimize("y"), [2.0**k], settings) for k in (0, exponent))
    assert scaled == pytest.approx(usual, abs=1e-12)


@pytest.mark.long
@pytest.mark.parametrize("acquisition", SINGLE)
@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e30])
def test_decimal_scales_to_rounding(acquisition, scale):
    usual, scaled = (proposed(minimize("y"), [s], {"acquisition": acquisition}) for s in (1.0, scale))
    assert scaled[:6] == pytest.approx(usual[:6], abs=1e-3)  # the first proposal of the model; rounding grows later


@pytest.mark.parametrize("acquisition", ["qLogNEHVI", "Thompson"])
@pytest.mark.parametrize("exponents", [(0, -30), (30, 0), (-100, 100)], ids=str)
def test_two_objectives_of_any_ratio(acquisition, exponents):
    settings = {"acquisition": acquisition}
    objective = minimize("y", "z")
    usual, scaled = (proposed(objective, [2.0**k for k in ks], settings) for ks in ((0, 0), exponents))
    assert scaled == pytest.approx(usual, abs=1e-12)


def test_learn():
    usual, scaled = (proposed(learn("y"), [s], {}) for s in (1.0, 2.0**-100))
    assert scaled == pytest.approx(usual, abs=1e-12)


@pytest.mark.parametrize("acquisition", ["qLogNoisyEI", "qLogEI", "UCB", "Thompson"])
def test_a_match_of_curves_in_any_unit(acquisition):
    def run(scale):
        objective = match({"c": Reference("c", GRID, scale * np.exp(-GRID))})
        strategy = build("bayesian", cube(2), objective, 1, {"acquisition": acquisition})
        points = []
        for number in range(TRIALS):
            [proposal] = strategy.ask(1)
            u = cube(2).to_unit([proposal.point])[0]
            curve = scale * np.exp(-GRID * (0.5 + u[0])) * (0.6 + u[1])
            observation = Observation({}, {}, {"c": Array(curve, np.full(9, 0.01 * scale), GRID)})
            done, errors = objective.evaluate(observation)
            kept = {"state": TrialState.DONE, "observation": observation, "notes": proposal.notes}
            strategy.tell([Trial(number, proposal.point, objective=done, objective_errors=errors, **kept)])
            points.append(u)
        return np.array(points)

    assert run(2.0**-100) == pytest.approx(run(1.0), abs=1e-12)
