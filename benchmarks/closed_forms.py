"""Test problems of composite Bayesian optimisation in closed form, as simulators: one array each, no noise.

R. Astudillo and P. I. Frazier, Bayesian Optimization of Composite Functions, ICML 2019 (arXiv:1906.01537), section 5.
There f(x) = |h(x) - y*|^2; here the cost is R = |h(x) - y*| / |y*|, which has the same minimiser. Where the published
optimum is the middle of the bounds, or the middle is a special point, either is moved: some methods start there.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import liquid_theory
import numpy as np
from numpy.typing import NDArray

from softal.references import Reference
from softal.simulators.base import Context, Outputs, Simulator
from softal.trial import Array, Observation, Point

Floats = NDArray[np.float64]


class Curve(Simulator):
    """A simulator of one array `h` of numbered outputs, known exactly.

    Attributes:
        bounds: low and high of each parameter.
        optimum: where the array is the target.
    """

    bounds: Mapping[str, tuple[float, float]]
    optimum: Mapping[str, float]
    outputs: Outputs | None = Outputs(arrays=frozenset({"h"}))

    def h(self, **point: float) -> Floats:
        """Return the outputs, shape (K,)."""
        raise NotImplementedError

    def grid(self) -> Floats:
        """Return what the outputs are plotted against, shape (K,)."""
        return np.arange(len(self.h(**self.optimum)), dtype=float)

    def noise(self) -> float:
        """Return the standard deviation of each output."""
        return 0.0

    def target(self) -> Reference:
        """Return the outputs at the optimum, without noise."""
        return Reference("h", self.grid(), self.h(**self.optimum))

    def run(self, point: Point, context: Context) -> Observation:
        exact = self.h(**{name: float(value) for name, value in point.items()})
        rng = np.random.default_rng(context.seed)
        values = exact + self.noise() * rng.standard_normal(len(exact))
        return Observation(arrays={"h": Array.of(values, np.full(len(values), self.noise()), self.grid())})


class Spill(Curve):
    """Concentration after two chemical spills into a channel, at 3 places and 4 times.

    c(s, t) = M / sqrt(4 pi D t) exp(-s^2 / 4 D t)
              + [t > tau] M / sqrt(4 pi D (t - tau)) exp(-(s - L)^2 / 4 D (t - tau))

    Source: N. Bliznyuk et al., J. Comput. Graph. Stat. 17, 270 (2008); places, times and bounds of Astudillo and
    Frazier's environmental model function, whose true values (10, 0.07, 1.505, 30.1525) are the middle.
    """

    bounds: Mapping[str, tuple[float, float]] = {
        "M": (7.0, 13.0), "D": (0.02, 0.12), "L": (0.01, 3.0), "tau": (30.01, 30.295)
    }  # fmt: skip
    optimum: Mapping[str, float] = {"M": 9.0, "D": 0.05, "L": 2.1, "tau": 30.08}

    def h(self, **point: float) -> Floats:
        M, D, L, tau = (point[name] for name in ("M", "D", "L", "tau"))
        s, t = np.array(list(product((0.0, 1.0, 2.5), (15.0, 30.0, 45.0, 60.0)))).T
        later = np.where(t > tau, t - tau, 1.0)
        first = M / np.sqrt(4 * np.pi * D * t) * np.exp(-(s**2) / (4 * D * t))
        second = M / np.sqrt(4 * np.pi * D * later) * np.exp(-((s - L) ** 2) / (4 * D * later))
        return np.asarray(first + np.where(t > tau, second, 0.0))


class Rosenbrock(Curve):
    """Rosenbrock's function in five dimensions as a sum of eight squares.

    f(x) = sum_{j=1}^{4} [10 (x_{j+1} - x_j^2)]^2 + (x_j - 1)^2, so h = (10 (x_{j+1} - x_j^2), x_j), y* = (0, 1), and
    R = sqrt(f) / 2. Source: Astudillo and Frazier's composite form; the factor 10 is in their g, and their bounds begin
    at -2.
    """

    bounds: Mapping[str, tuple[float, float]] = {f"x{j}": (-2.5, 2.0) for j in range(1, 6)}
    optimum: Mapping[str, float] = {f"x{j}": 1.0 for j in range(1, 6)}

    def h(self, **point: float) -> Floats:
        x = np.array([point[name] for name in self.bounds])
        return np.concatenate([10 * (x[1:] - x[:-1] ** 2), x[:-1]])


class Liquid(Curve):
    """g(r) of a liquid by the HNC equation, six parameters of its pair potential, and 1 % of noise on every point.

    Where the potential makes the liquid boil or the equation has no solution, the simulation fails.
    """

    density = 0.6  # [1/sigma_0^3]
    bounds: Mapping[str, tuple[float, float]] = {
        "sigma": (0.8, 1.15), "n": (6.0, 24.0), "attraction": (0.2, 2.2), "kappa_a": (1.2, 5.0),
        "repulsion": (0.2, 2.0), "kappa_r": (0.3, 2.0),
    }  # fmt: skip
    optimum: Mapping[str, float] = {
        "sigma": 1.06, "n": 18.0, "attraction": 1.5, "kappa_a": 1.6, "repulsion": 0.6, "kappa_r": 0.7
    }  # fmt: skip
    every = 5  # of the solver's distances is returned: 0.1 sigma_0

    def h(self, **point: float) -> Floats:
        r = liquid_theory.distances()
        g_r = liquid_theory.pair_correlation(liquid_theory.double_yukawa(r, **point), self.density)
        return g_r[self._kept(r)]

    def grid(self) -> Floats:
        r = liquid_theory.distances()
        return r[self._kept(r)]

    def noise(self) -> float:
        return 0.01

    def _kept(self, r: Floats) -> slice:
        return slice(int(np.searchsorted(r, 0.6)), int(np.searchsorted(r, 5.0)), self.every)
