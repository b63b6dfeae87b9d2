r"""Predictors of scores, and the curves with uncertainty that are made of them.

The members' mean score gives the curve. Their spread, in ln rho of a positive curve,

    std_f(tau)^2 = sum_m (f_m - mean f - shift_m)^2 / (M - 1)

`shift_m` what the known integral takes of a member's deviation, is calibrated on trials that were left out
(`calibration`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from softal.numeric import Floats
from softal.surrogates.profiles.basis import Basis
from softal.surrogates.profiles.forms import Form, Frame
from softal.surrogates.profiles.places import spline

Scores = Callable[[Floats], Floats]  # X (n, D) -> (M, n, J)


@dataclass(frozen=True)
class Raw:
    """Half curves of one array, before calibration.

    Attributes:
        mean: (n, size).
        spread: (n, T) standard deviation of f at the knots; of `paper` (n, size), of the curve itself.
    """

    mean: Floats
    spread: Floats

    def rows(self, chosen: Any) -> Raw:
        """Return some of the points."""
        return Raw(self.mean[chosen], self.spread[chosen])


@dataclass(frozen=True)
class Part:
    """One array of a model: its form and its basis."""

    form: Form
    basis: Basis

    @cached_property
    def knots(self) -> tuple[Floats, Floats]:
        """Places tau (T,) at which spreads are taken, and the matrix (T, T) of the splines there."""
        count = self.form.count
        if self.form.known.support is None:
            return self.form.along, np.eye(count)
        at, low = self.form.along, 0.0 if self.form.known.symmetric else -1.0
        first, weight = spline(at, low, count)
        matrix = np.zeros((count, count))
        for i in range(4):
            matrix[np.arange(count), first + i] += weight[:, i]
        return at, matrix

    @cached_property
    def at_knots(self) -> tuple[Floats, Floats]:
        """Mean (T,) and vectors (J, T) of the basis at the knots."""
        matrix = self.knots[1]
        return matrix @ self.basis.mean, self.basis.vectors @ matrix.T

    def raw(self, s: Floats, frame: Frame) -> Raw:
        """Return the curves of members' scores s (M, n, J)."""
        mean = s.mean(axis=0)
        c = self.basis.mean + mean @ self.basis.vectors
        rho = self.form.curves(c if frame.places is None else frame.places.of(c), frame)
        if len(s) < 2:
            return Raw(rho, np.zeros((len(rho), self.form.count)))
        f, vectors = self.at_knots
        away = (s - mean) @ vectors  # (M, n, T)
        if frame.integral is not None:
            away -= np.einsum("mnt,nt->mn", away, self._shares(f + mean @ vectors, frame))[..., None]
        spread = np.sqrt(np.einsum("mnt,mnt->nt", away, away) / (len(s) - 1))
        return Raw(rho, spread)

    def members(self, s: Floats, frame: Frame) -> Floats:
        """Return the curve (M, n, T) of each member at the knots."""
        f, vectors = self.at_knots
        found = f + s @ vectors
        if not self.form.known.positive:
            return found
        if frame.integral is not None:
            mean = found.mean(axis=0)
            found -= np.einsum("mnt,nt->mn", found - mean, self._shares(mean, frame))[..., None]
        return np.asarray(frame.scale[:, None] * np.exp(np.minimum(found, 20.0)))

    def _shares(self, f: Floats, frame: Frame) -> Floats:
        """Return what each knot has of the integral (n, T), for f (n, T): 1 in all."""
        share = np.exp(np.minimum(f, 20.0)) if self.form.known.positive else np.ones_like(f)
        share = share * (self.form.widths if frame.spans is None else frame.spans)
        return np.asarray(share / share.sum(axis=1, keepdims=True))


def raw(parts: Sequence[Part], s: Floats, frames: Sequence[Frame]) -> list[Raw]:
    """Return the curves of all arrays, of members' scores s (M, n, sum of J)."""
    found, start = [], 0
    for part, frame in zip(parts, frames, strict=True):
        found.append(part.raw(s[..., start : start + part.basis.size], frame))
        start += part.basis.size
    return found


def by_array(parts: Sequence[Part], s: Floats) -> Mapping[str, Floats]:
    """Return array -> its scores (M, n, J) of all (M, n, sum of J)."""
    ends = np.cumsum([part.basis.size for part in parts])
    split = np.split(s, ends[:-1], axis=-1)
    return {part.form.name: own for part, own in zip(parts, split, strict=True)}
