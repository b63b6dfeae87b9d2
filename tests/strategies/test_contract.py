"""Every built-in strategy keeps the contract."""

import multiprocessing

import numpy as np
import pytest

from softal.objective import learn, match
from softal.references import Reference
from softal.testing.strategies import SPACES, Candidate, StrategyContract

pytestmark = pytest.mark.learning


@pytest.fixture(scope="module")
def one_spawned():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield pool


class BuiltInContract(StrategyContract):
    """All share one spawned process, which takes seconds to import what they need."""

    @pytest.fixture
    def spawned(self, one_spawned):
        return one_spawned


# Half of them has each space with each number of steps, and each of both with both n.
RESTORATIONS = [
    pytest.param(space, steps, n, marks=[pytest.mark.exhaustive] * ((i + j + k) % 2))
    for i, space in enumerate(SPACES)
    for j, steps in enumerate((1, 3, 5))
    for k, n in enumerate((1, 6))
]


class ModelContract(BuiltInContract):
    """Of those that fit a model, which takes a second, half of the restorations is enough."""

    @pytest.mark.parametrize(("space", "steps", "n"), RESTORATIONS)
    def test_restored_goes_on_as_if_it_had_not_stopped(self, candidate, space, steps, n):
        super().test_restored_goes_on_as_if_it_had_not_stopped(candidate, space, steps, n)


class TestRandom(BuiltInContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("random")


class TestSobol(BuiltInContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("sobol")


class TestGrid(BuiltInContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("grid", {"levels": 6}, seeded=False)


class TestShuffledGrid(BuiltInContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("grid", {"levels": 21, "shuffle": True})


class TestCMAES(BuiltInContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("cmaes", {"popsize": 4})


class TestTable(BuiltInContract):
    @pytest.fixture
    def candidate(self, tmp_path):
        """A table with columns for each of the suite's spaces."""
        path = tmp_path / "points.csv"
        rows = [
            (-5 + i / 2, i / 2, 0.1 + i / 9, 2 + i % 8, ("fcc", "bcc", "hcp")[i % 3], i / 60, 0.5 - i / 90, i % 3)
            for i in range(30)
        ]
        lines = [",".join(map(str, row)) for row in rows]
        path.write_text("\n".join(["x,y,temperature,particles,lattice,a,b,k", *lines]))
        return Candidate("table", {"file": str(path)}, seeded=False)


class TestMixture(BuiltInContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("mixture", {"strategies": [{"kind": "cmaes", "popsize": 4}, "random", "sobol"]})


class TestNestedMixture(ModelContract):
    @pytest.fixture
    def candidate(self):
        inner = {"kind": "mixture", "strategies": [{"kind": "cmaes", "popsize": 3}, {"kind": "cmaes", "popsize": 5}]}
        bayesian = {"kind": "bayesian", "n_initial": 3, "q_max": 1}
        return Candidate("mixture", {"strategies": [inner, bayesian], "shares": [3, 1]})


class TestBayesian(ModelContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("bayesian", {"n_initial": 4, "q_max": 1})  # one: acquisition function, several: sample paths


class TestCommittee(ModelContract):
    @pytest.fixture
    def candidate(self):
        return Candidate("committee", {"surrogate": "gp", "n_initial": 4, "cost": "price"}, objective=learn("energy"))


class TestCommitteeOfNetworks(ModelContract):
    @pytest.fixture
    def candidate(self):
        networks = {"kind": "ensemble", "members": 3, "width": 8, "steps": 20}
        settings = {
            "surrogate": networks,
            "n_initial": 4,
            "candidates": 64,
            "initial": "corners",
            "criterion": "disagreement",
        }
        return Candidate("committee", settings, objective=learn("energy"))


class TestRefinement(ModelContract):
    @pytest.fixture
    def candidate(self):
        return Candidate(
            "bayesian", {"n_initial": 3, "q_max": 0, "refinement": {"after": 5, "trials": 3, "repeats": 2}}
        )


class TestCompositeBayesian(ModelContract):
    @pytest.fixture
    def candidate(self):
        grid = np.linspace(0.0, 5.0, 30)
        objective = match({"profile": Reference("profile", grid, 1.0 + np.exp(-grid) * np.sin(3 * grid))})
        return Candidate("bayesian", {"n_initial": 4, "q_max": 1}, objective=objective)
