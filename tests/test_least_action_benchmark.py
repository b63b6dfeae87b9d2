"""The benchmark of least action: tables of searches, what is measured once, and the branch of the straight line."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from softal.theory.least_action.action import Action
from softal.theory.least_action.potentials import LennardJones
from softal.theory.least_action.representations import Ends, Prolate

pytestmark = pytest.mark.physics
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """A module of the benchmarks, by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module


def values(rmsd, defect):
    return {"rmsd": rmsd, "defect": defect, "loss": 1 / rmsd, "action": 1 / rmsd, "energy_drift": rmsd}


def test_tables_of_a_search(benchmark):
    """Random has 1e-2, 1e-5, 1e-4; the others come to 1e-5 at once, or never."""
    module = benchmark("least_action_search")
    lines = {
        "random": [values(1e-2, 3e-2), values(1e-5, 1e-5), {}, values(1e-4, 2e-4)],
        "bayesian": [values(5e-6, 1e-5)],
        "bayesian, blind": [values(1e-3, 1e-3)],
    }
    table = module.report([{"method": name, "seed": 1, "lines": found} for name, found in lines.items()])
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines() if row]
    rows = {name: rest for name, *rest in cells}
    assert rows["0.001 sigma"] == ["**2** (2)", "**1** (1)", "**1** (1)"]
    assert rows["1e-05 sigma"] == ["**2** (2)", "**1** (1)", "**never** (never)"]
    assert rows["random search's best"] == ["**2** (2)", "**1** (1)", "**never** (never)"]
    assert rows["smallest RMSD of 10"] == ["**1.0e-05** (1.0e-05)", "**5.0e-06** (5.0e-06)", "**1.0e-03** (1.0e-03)"]
    assert rows["defect"] == ["**1.00** (1.00)", "**1.0e-05** (1.0e-05)", "**1** (1)"]
    assert rows["loss"] == ["**-1.00** (-1.00)", "**1.0e-02** (1.0e-02)", "**3** (3)"]


def test_what_has_been_measured_is_not_measured_again(benchmark, tmp_path):
    module = benchmark("least_action")
    asked = []
    found = [module.measured(tmp_path, "one", lambda: asked.append(1) or {"rmsd": 0.5}) for _ in range(2)]
    assert found == [{"rmsd": 0.5}] * 2
    assert len(asked) == 1


def test_the_straight_line_s_branch_has_the_derivatives_of_its_equations_and_ends_in_a_trajectory(benchmark):
    module = benchmark("least_action_branches")
    rng = np.random.default_rng(1)
    q = np.stack(np.meshgrid(*[np.arange(2) * 1.3] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    q = q + 0.05 * rng.normal(size=q.shape)
    representation = Prolate(Ends(q, q + 0.05 * rng.normal(size=q.shape), 0.05), 5)
    action = Action(LennardJones.free(), 1.0, representation, representation.grid(5))
    branch = module.Branch(action)
    x, direction, h = *(rng.normal(size=branch.size) for _ in range(2)), 1e-5
    _, J, by_s = branch.at(x, 0.7)
    ahead, behind = (branch.at(x + step * direction, 0.7)[0] for step in (h, -h))
    np.testing.assert_allclose(J @ direction, (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(by_s, (branch.at(x, 0.8)[0] - branch.at(x, 0.7)[0]) / 0.1, rtol=1e-9, atol=1e-9)
    found, largest, folds, _ = module.follow(branch, 20.0)
    assert found is not None
    assert (largest, folds) == (1.0, 0)
    assert action.at(found).total < 1e-16
