r"""How wide intervals must be, learned from trials that were left out.

    variance = c^2 * variance of the members + v g^2,    g^2 = rho^2 + (EDGE rho_0)^2  of a positive curve,
                                                         g = its standard deviation over all trials else

c and v maximise the likelihood of the densities that were left out, with the simulations' own errors, for each of some
regions from the middle to the end of the curve; in between they are interpolated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.ensembles.ensemble import calibration
from softal.surrogates.profiles.forms import Frame
from softal.surrogates.profiles.model import Raw
from softal.surrogates.profiles.observed import Observed

REGIONS = 6
EDGE = 0.02
MOST = 20_000  # densities of a region that c and v are fitted to
FEWEST = 20


@dataclass(frozen=True)
class Calibration:
    """Attributes: factor c and noise v (REGIONS,), and size (size,) that g is where the curve is not positive."""

    factor: Floats
    noise: Floats
    size: Floats

    @classmethod
    def of(cls, observed: Observed, found: Raw) -> Calibration:
        """Learn them from half curves and predictions of them by what has not seen them."""
        form, frame = observed.form, observed.frame
        size = np.maximum(observed.values.std(axis=0), 1e-3 * form.constant)
        factor, noise = np.ones(REGIONS), np.zeros(REGIONS)
        g = _width(found.mean, frame, size, form.known.positive)
        counts = observed.there & (np.ones_like(observed.there) if frame.places is None else frame.places.inside)
        region = np.rint(_along(frame, found.mean.shape) * (REGIONS - 1)).astype(np.intp)
        for i in range(REGIONS):
            some = np.flatnonzero(counts & (region == i))
            if len(some) < FEWEST:
                factor[i], noise[i] = (factor[i - 1], noise[i - 1]) if i else (1.0, 0.0)
                continue
            some = some[:: -(-len(some) // MOST)]
            error, spread, known = (
                part.ravel()[some]
                for part in ((observed.values - found.mean) / g, (found.std / g) ** 2, observed.sigma**2 / g**2)
            )
            known = np.where(np.isfinite(observed.errors.ravel()[some]), known, np.nan)
            factor[i], noise[i] = calibration(error, spread, known)
        return cls(factor, noise, size)

    def std(self, found: Raw, frame: Frame, positive: bool) -> Floats:
        """Return the calibrated standard deviations (n, size)."""
        at = _along(frame, found.mean.shape) * (REGIONS - 1)
        low = np.minimum(at.astype(np.intp), REGIONS - 2)
        part = at - low
        squares, steps = self.factor**2, np.diff(self.factor**2)
        own = squares[low] + part * steps[low]
        added = self.noise[low] + part * np.diff(self.noise)[low]
        g = _width(found.mean, frame, self.size, positive)
        std = np.sqrt(own * found.std**2 + added * g**2)
        return std if frame.places is None else std * frame.places.inside

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `from_tensors` takes."""
        return dict(vars(self))

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Calibration:
        """Make it of what `to_tensors` returned."""
        return cls(tensors["factor"], tensors["noise"], tensors["size"])


def _width(mean: Floats, frame: Frame, size: Floats, positive: bool) -> Floats:
    """Return g (n, size)."""
    if not positive:
        return np.broadcast_to(size, mean.shape)
    return np.sqrt(mean**2 + (EDGE * frame.scale[:, None]) ** 2)


def _along(frame: Frame, shape: tuple[int, ...]) -> Floats:
    """Return where bins lie (n, size), from 0 to 1: from the middle to the end, or from the first to the last."""
    if frame.places is None:
        return np.broadcast_to(np.linspace(0.0, 1.0, shape[1]), shape)
    return np.clip(np.abs(frame.places.tau), 0.0, 1.0)
