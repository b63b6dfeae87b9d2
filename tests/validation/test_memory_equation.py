"""The memory equation against a direct quadrature on a uniform grid, and against the plain scheme in numpy."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.special import gamma, gammainc

from softal.theory.evolution import Search, fit_memory
from softal.theory.memory_equation import Prescribed, solve
from softal.theory.memory_function import StretchedExponentials
from softal.theory.mode_coupling.dynamics import relax
from softal.theory.mode_coupling.schematic import Schematic
from softal.theory.relaxation import Relaxation

pytestmark = [pytest.mark.physics, pytest.mark.validation]

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
Floats = NDArray[np.float64]


def direct(rate: float, w: float, tau: float, b: float, h: float, n: int) -> Floats:
    """Return F at h i, i = 0..n, of M = w exp(-(t/tau)^b).

    F + int_0^t [rate + M(t - s)] F(s) ds = 1 + int_0^t M, the equation integrated once; F linear in each interval, of
    which M's integral and first moment are exact.
    """
    t = h * np.arange(n + 1)
    x = (t / tau) ** b
    integral = w * tau / b * gamma(1 / b) * gammainc(1 / b, x)
    moment = w * tau**2 / b * gamma(2 / b) * gammainc(2 / b, x)
    zeroth, first = np.diff(integral), np.diff(moment)
    # Over u in (t_j, t_{j+1}) back from t, F(t - u) = F_{i-j} (1 - v) + F_{i-j-1} v, v = u/h - j.
    away = first / h - np.arange(n) * zeroth + rate * h / 2
    near = zeroth + rate * h - away
    F = np.ones(n + 1)
    for i in range(1, n + 1):
        known = near[1:i] @ F[1:i][::-1] + away[:i] @ F[:i][::-1]
        F[i] = (1 + integral[i] - known) / (1 + near[0])
    return F


@pytest.mark.parametrize(
    ("rate", "w", "tau", "b"),
    [(1.0, 1.0, 1.0, 0.5), (2.0, 6.0, 0.5, 0.35), (1.0, 20.0, 0.3, 0.8), (1.0, 3.0, 1.0, 2.0)],
)
def test_a_direct_quadrature_gives_the_same(rate: float, w: float, tau: float, b: float) -> None:
    n, last = 4000, 8.0
    coarse, fine = direct(rate, w, tau, b, 2 * last / n, n // 2), direct(rate, w, tau, b, last / n, n)
    error = np.abs(fine[::2] - coarse).max()  # more than that of the finer one
    assert error < 5e-5
    F = solve(StretchedExponentials.one(w=w, tau=tau, b=b), rate, last).at(np.linspace(0, last, n + 1))[0]
    np.testing.assert_allclose(F, fine, atol=error + 5e-6)


@pytest.fixture(scope="module")
def mode_coupling() -> tuple[Floats, Floats, Callable[[Floats], Floats]]:
    """t (60,), F and M of it, of the model F12, Gamma = 1, near its glass transition: m = v_1 F + v_2 F^2."""
    v_1, v_2 = 0.5, 2.6
    solution = relax(Schematic(v_1, v_2), 300.0, dynamics="overdamped")
    first = solution.t[1]
    F = CubicSpline(np.log(solution.t[1:]), solution.F[1:, 0, 0, 0])

    def memory(t: Floats) -> Floats:
        f = np.where(t < first, 1.0, F(np.log(np.maximum(t, first))))
        return v_1 * f + v_2 * f**2

    t = np.geomspace(1e-2, 300.0, 60)
    return t, F(np.log(t)), memory


def test_the_memory_of_mode_coupling_gives_its_own_f(
    mode_coupling: tuple[Floats, Floats, Callable[[Floats], Floats]],
) -> None:
    """Two solvers that have nothing in common."""
    t, F, M = mode_coupling
    np.testing.assert_allclose(solve(Prescribed(M), 1.0, t[-1]).at(t)[0], F, atol=5e-6)


def test_evolution_comes_to_the_memory_of_mode_coupling(
    mode_coupling: tuple[Floats, Floats, Callable[[Floats], Floats]],
) -> None:
    """As the paper has it in its supplement: given F_mct, M goes towards M_mct; better with two exponentials."""
    t, F, M = mode_coupling
    fits = [fit_memory(Relaxation(t, F), Search(modes=n, rate=1.0, evaluations=10_000)) for n in (1, 2)]
    away = [np.mean(np.abs(fit.memory.values(t)[0] - M(t))) / M(t)[0] for fit in fits]
    assert fits[1].error < 1e-6 < fits[0].error
    assert away[1] < 0.02
    assert away[1] < 0.7 * away[0]


def test_the_plain_scheme_gives_the_same_within_its_accuracy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    benchmark = import_module("memory")
    memory, rate = benchmark.population(3)
    blocks = benchmark.one_in_numpy(memory[2:3], rate[2], 1e-4, 1e4, 64)
    for k in (0, 10, len(blocks) - 1):
        t = 1e-4 * 2.0**k * np.arange(65)
        F = solve(memory[2:3], rate[2], t[-1]).at(t)[0]
        np.testing.assert_allclose(blocks[k], F, atol=2e-3)
    out = tmp_path / "memory.json"
    monkeypatch.setattr(benchmark, "ACCURATE", 2)
    monkeypatch.setattr(sys, "argv", ["memory.py", "--size", "4", "--peers", "1", "--json", str(out)])
    benchmark.main()
    found = json.loads(out.read_text())
    assert [one["points"] for one in found["speed"]] == [64, 128]
    assert all(one["ratio"] > 1 and one["decades"] >= 12 for one in found["speed"])
    assert found["accuracy"][-1]["largest"] < found["accuracy"][0]["largest"]
    assert "| numpy loop, s |" in capsys.readouterr().out
