"""Every built-in strategy keeps the contract."""

import numpy as np
import pytest

from softal.objective import match
from softal.references import Reference
from softal.testing.strategies import Candidate, StrategyContract


class TestRandom(StrategyContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("random")


class TestSobol(StrategyContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("sobol")


class TestGrid(StrategyContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("grid", {"levels": 6}, seeded=False)


class TestShuffledGrid(StrategyContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("grid", {"levels": 21, "shuffle": True})


class TestCMAES(StrategyContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("cmaes", {"popsize": 4})


class TestBayesian(StrategyContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("bayesian", {"n_initial": 4, "q_max": 1})  # one: acquisition function, several: sample paths


class TestRefinement(StrategyContract):
    @pytest.fixture
    def candidate(self):
        return Candidate(
            "bayesian", {"n_initial": 3, "q_max": 0, "refinement": {"after": 5, "trials": 3, "repeats": 2}}
        )


class TestCompositeBayesian(StrategyContract):
    @pytest.fixture
    def candidate(self):
        grid = np.linspace(0.0, 5.0, 30)
        objective = match({"profile": Reference("profile", grid, 1.0 + np.exp(-grid) * np.sin(3 * grid))})
        return Candidate("bayesian", {"n_initial": 4, "q_max": 1}, objective=objective)
