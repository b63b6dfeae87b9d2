"""A slab of liquid in gas: its density along the long axis of the box, and what both phases have inside.

In each sample the centre of mass, of a periodic axis the angle of sum exp(2 pi i z / L), is put to the middle, as slabs
drift. The mean profile of the packing fraction is fitted with

    eta(z) = (liquid + gas) / 2 - (liquid - gas) / 2 tanh((|z - L / 2| - half) / width),

which says where interfaces end: at CLEAR widths from their middle 1 / 400 of the difference is left. Gas and liquid are
the means beyond there, of each sample, so that they have series, and errors of them. Where there is no room beyond, or
it is no slab by the fit, there is one phase: both are the packing fraction of the whole box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from softal.numeric import Floats
from softal.simulators.statistics import aging_of, mean_and_error
from softal.trial import Array, Observation

BIN = 0.5  # [sigma] of a profile, adjusted to whole bins
CLEAR = 3.0  # widths
ROOM = 1.0  # [sigma] that are to be left of each half of a phase

Bins = NDArray[np.bool_]  # which of them, (B,)


@dataclass(frozen=True)
class Interface:
    """A fitted profile: packing fractions, half the liquid's thickness and the interface's width [sigma]."""

    gas: float
    liquid: float
    half: float
    width: float

    def windows(self, z: Floats, length: float) -> tuple[Bins, Bins] | None:
        """Return which of the bins z (B,) [sigma] are gas, and which liquid; None where there is one phase."""
        away, clear = np.abs(z - length / 2), CLEAR * self.width
        if self.half - clear < ROOM or length / 2 - self.half - clear < ROOM:
            return None
        return away > self.half + clear, away < self.half - clear


def bins(length: float) -> Floats:
    """Return the centres of the bins (B,) [sigma] along an axis."""
    count = round(length / BIN)
    return np.asarray((np.arange(count) + 0.5) * length / count, np.float64)


def profile(positions: Floats, box: Floats) -> Floats:
    """Return packing fractions (B,) along the last axis, with the centre of mass in the middle.

    Args:
        positions: (N, 3) [sigma].
        box: (3,) [sigma].
    """
    length = float(box[-1])
    count = len(bins(length))
    turns = positions[:, -1] / length
    middle = np.angle(np.exp(2j * np.pi * turns).sum()) / (2 * np.pi)
    at = np.minimum(((turns - middle + 0.5) % 1 * count).astype(int), count - 1)
    return np.asarray(np.bincount(at, minlength=count) * (np.pi / 6 * count / float(box.prod())), np.float64)


def interface(z: Floats, eta: Floats, length: float) -> Interface:
    """Return the fit of a profile eta (B,) on z (B,) [sigma], by least squares."""

    def left(p: Floats) -> Floats:
        step = np.tanh((np.abs(z - length / 2) - p[2]) / p[3])
        return np.asarray((p[1] + p[0]) / 2 - (p[1] - p[0]) / 2 * step - eta, np.float64)

    low, high = np.quantile(eta, [0.1, 0.9])
    half = length / 2 * np.clip((eta.mean() - low) / max(high - low, 1e-9), 0.1, 0.9)
    found = least_squares(left, [low, max(high, low), half, 1.0], bounds=([0, 0, 0, 0.1], [1, 1, length / 2, length])).x
    return Interface(*(float(one) for one in found))


def observed(profiles: Floats, length: float, moved: float) -> Observation:
    """Return values and the profile, of samples (T, B) as `profile` makes them."""
    z = bins(length)
    mean, error = mean_and_error(profiles)
    fit = interface(z, mean, length)
    windows = fit.windows(z, length) if fit.liquid > fit.gas else None
    parts = windows if windows is not None else (np.ones(len(z), bool), np.ones(len(z), bool))
    gas, liquid = (profiles[:, part].mean(axis=1) for part in parts)
    values, errors = {}, {}
    for name, one in {"gas": gas, "liquid": liquid, "difference": liquid - gas}.items():
        values[name], errors[name] = (float(number) for number in mean_and_error(one))
    values |= {"slab": 0.0 if windows is None else 2 * fit.half / length, "width": fit.width}
    values |= {"drift": 0.0 if windows is None else aging_of([gas, liquid]), "moved": moved}
    return Observation(values, errors, {"profile": Array(mean, error, z, "", "sigma")})
