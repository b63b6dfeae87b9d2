r"""Simulated curves as what is fitted: half curves with their noise, and the coefficients that describe each.

Coefficients of a spline minimise

    sum_k (y_k - f_k)^2 / v_k + STIFF |second differences of c - m|^2 + NEAR |c - m|^2,   v = (sigma / rho)^2 + FLOOR^2

y = ln(rho / rho_0) of a positive curve, m the same for all trials together. Bins with next to nothing in them, whose
logarithm is not known, count little: behind the last ions a curve goes on as all curves do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.profiles.data import Curves
from softal.surrogates.profiles.forms import LOWEST, Form, Frame

WINDOW = 2  # bins on both sides over which squared errors are averaged: estimates from a few blocks scatter
LEAST = 0.3  # of the typical error of a trial: smaller ones do not give a bin more weight
UNKNOWN = 0.03  # of the typical value, where no error is known
FLOOR = 0.02  # of y: a spline need not follow more closely
STIFF, NEAR = 10.0, 1.0
FAINT = 1.0  # variance of y, at least, where there is next to nothing
CHUNK = 256  # trials whose matrices are in memory at once
COMMON = 1.0  # of third differences of m, for each trial: walls' repulsion bends it


@dataclass(frozen=True)
class Observed:
    """Half curves of one array of n trials.

    Attributes:
        form, frame: of the array, at the trials' points.
        values: (n, size), 0 where nothing was measured.
        errors: (n, size) as they were given, NaN where not known.
        noise: (n, size) the same, averaged over neighbouring bins.
        sigma: (n, size) that weights are made of.
        there: (n, size) whether a bin was measured.
    """

    form: Form
    frame: Frame
    values: Floats
    errors: Floats
    noise: Floats
    sigma: Floats
    there: NDArray[np.bool_]

    @classmethod
    def of(cls, form: Form, curves: Curves, frame: Frame) -> Observed:
        """Return an array's curves, folded where they are symmetric."""
        values, errors = form.folded(curves)
        there = np.isfinite(values)
        values = np.where(there, values, 0.0)
        return cls(form, frame, values, errors, *_sigma(values, errors, form.constant), there)

    def coefficients(self) -> tuple[Floats, Floats]:
        """Return c (n, T), and their covariances (n, T, T); variances (n, T) where coefficients are bins."""
        y, v, counts = self._targets()
        if self.frame.places is None:
            mean = np.nan_to_num(_nanmean(np.where(counts, y, np.nan)))
            return np.where(counts, y, mean), np.where(counts, v, 0.0)
        A, b = self._normal(y, np.where(counts, 1.0 / v, 0.0))
        second, third = (np.diff(np.eye(self.form.count), n=n, axis=0) for n in (2, 3))
        m = np.linalg.solve(A.sum(axis=0) + len(y) * COMMON * (third.T @ third), b.sum(axis=0))
        held = STIFF * second.T @ second + NEAR * np.eye(len(m))
        inverse = np.linalg.inv(A + held)
        c = m + np.einsum("nts,ns->nt", inverse, b - A @ m)
        return c, inverse @ A @ inverse

    def _normal(self, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
        """Return the normal equations A (n, T, T), b (n, T) of targets and their weights (n, size)."""
        assert self.frame.places is not None
        n, T = len(y), self.form.count
        A, b, end = np.empty((n, T, T)), np.empty((n, T)), self._end()
        for first in range(0, n, CHUNK):
            rows = slice(first, first + CHUNK)
            W = self.frame.places.rows(rows).dense(T)
            weighted = (W * weight[rows, :, None]).transpose(0, 2, 1)
            A[rows], b[rows] = weighted @ W, np.einsum("ntk,nk->nt", weighted, y[rows])
        for at in self.form.ends:
            A += end[:, None, None] * np.outer(at, at)
            b += np.log(LOWEST) * end[:, None] * at
        return A, b

    def _end(self) -> Floats:
        """Return the weight (n,) of being next to nothing where a curve ends: 0 where it does not fall to that."""
        frame = self.frame
        falls = self.form.known.positive and frame.support is not None and frame.contact is not None
        if not falls:
            return np.zeros(len(self.values))
        return np.where(frame.contact < 0.999 * frame.support, 1.0 / FAINT, 0.0)  # type: ignore[operator]

    def _targets(self) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Return y and v (n, size), and which bins count."""
        scale = self.frame.scale[:, None]
        inside = self.there if self.frame.places is None else self.there & self.frame.places.inside
        if not self.form.known.positive:
            return self.values - self.form.offset(self.frame), self.sigma**2, inside
        low = LOWEST * scale
        y = np.log(np.maximum(self.values, low) / scale)
        v = (self.sigma / np.maximum(self.values, low)) ** 2 + FLOOR**2
        if self.frame.places is None:
            return y, v, inside
        faint = self.values < np.maximum(3 * self.sigma, 2 * low)
        return y, np.where(faint, np.maximum(v, FAINT), v), inside


def _sigma(values: Floats, errors: Floats, typical: float) -> tuple[Floats, Floats]:
    """Return errors (n, K) averaged over neighbouring bins, and what weights are made of: nowhere next to nothing."""
    known = np.isfinite(errors)
    if not known.any():
        return np.full(values.shape, np.nan), np.full(values.shape, UNKNOWN * typical)
    squared, count = (_running(np.where(known, part, 0.0)) for part in (errors**2, np.ones_like(errors)))
    mean = np.where(count > 0, squared / np.maximum(count, 1e-12), np.nan)
    seen = np.where(known & (errors > 0), errors, np.nan)
    own = np.full(len(values), np.nan)
    rows = np.isfinite(seen).any(axis=1)
    own[rows] = np.nanmedian(seen[rows], axis=1)
    own = np.where(np.isfinite(own), own, np.nanmedian(own) if rows.any() else UNKNOWN * typical)[:, None]
    return np.sqrt(mean), np.sqrt(np.where(np.isfinite(mean), mean, own**2) + (LEAST * own) ** 2)


def _running(values: Floats) -> Floats:
    """Return sums over windows of bins."""
    padded = np.pad(values, ((0, 0), (WINDOW + 1, WINDOW)))
    total = np.cumsum(padded, axis=1)
    return np.asarray(total[:, 2 * WINDOW + 1 :] - total[:, : -2 * WINDOW - 1])


def _nanmean(values: Floats) -> Floats:
    """Return the mean over the first axis without NaN, NaN where there is nothing else."""
    there = np.isfinite(values)
    count = there.sum(axis=0)
    return np.where(count > 0, np.where(there, values, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
