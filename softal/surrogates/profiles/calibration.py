r"""How wide intervals must be, learned from trials that were left out.

    variance of f = c^2 * variance of the members + v,    f = ln rho of a positive curve, as in `forms`
    variance of rho = rho^2 * that + v_end (EDGE rho_0)^2

of a positive curve; of others, f is the curve itself. c and v maximise the likelihood of the densities that were left
out, with the simulations' own errors, for each of some regions from the middle to the end of the curve, between which
they are interpolated; v_end is that of the last region.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.ensembles.calibration import calibration
from softal.surrogates.profiles.forms import Form, Frame
from softal.surrogates.profiles.model import Raw
from softal.surrogates.profiles.observed import Observed

REGIONS = 6
EDGE = 0.02
MOST = 20_000  # densities of a region that c and v are fitted to
FEWEST = 20


@dataclass(frozen=True)
class Calibration:
    """Attributes: factor c^2 and noise v of f at the knots (T,), and the deviation where nearly nothing is (1,)."""

    factor: Floats
    noise: Floats
    edge: Floats

    @classmethod
    def of(cls, observed: Observed, found: Raw) -> Calibration:
        """Learn them from half curves and predictions of them by what has not seen them."""
        form, frame = observed.form, observed.frame
        size = 1.0 if form.known.positive else max(float(np.mean(observed.values.std(axis=0))), 1e-3 * form.constant)
        g = _width(found.mean, frame) if form.known.positive else np.full(found.mean.shape, size)
        std = form.natural(found.mean, found.spread, frame)
        counts, at = observed.there, np.broadcast_to(form.along, found.mean.shape) if frame.places is None else None
        if frame.places is not None:
            counts, at = counts & frame.places.inside, np.abs(frame.places.tau)
        region = np.rint(np.clip(at, 0.0, 1.0) * (REGIONS - 1)).astype(np.intp)  # type: ignore[arg-type]
        error, spread, known = (observed.values - found.mean) / g, (std / g) ** 2, (observed.noise / g) ** 2
        learned = np.array([[1.0, 0.0]] * REGIONS)
        for i in range(REGIONS):
            some = np.flatnonzero(counts & (region == i))
            if len(some) >= FEWEST:
                some = some[:: -(-len(some) // MOST)]
                learned[i] = calibration(error.ravel()[some], spread.ravel()[some], known.ravel()[some])
            elif i:
                learned[i] = learned[i - 1]
        knots = np.clip(np.abs(form.along), 0.0, 1.0) * (REGIONS - 1)
        factor, noise = (np.interp(knots, np.arange(REGIONS), part) for part in (learned[:, 0] ** 2, learned[:, 1]))
        edge = EDGE * np.sqrt(learned[-1, 1]) if form.known.positive else 0.0
        return cls(factor, noise * size**2, np.array([edge]))

    def std(self, found: Raw, form: Form, frame: Frame) -> Floats:
        """Return the calibrated standard deviations (n, size)."""
        std = form.natural(found.mean, np.sqrt(self.factor * found.spread**2 + self.noise), frame)
        if not self.edge[0]:
            return std
        std = np.sqrt(std**2 + (self.edge[0] * frame.scale[:, None]) ** 2)
        return np.asarray(std if frame.places is None else std * frame.places.inside)

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `from_tensors` takes."""
        return dict(vars(self))

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Calibration:
        """Make it of what `to_tensors` returned."""
        return cls(tensors["factor"], tensors["noise"], tensors["edge"])


class AsItIs(Calibration):
    """The deviation that a model gives by itself, such as the errors of the paper's network."""

    def std(self, found: Raw, form: Form, frame: Frame) -> Floats:
        """Return what the model says (n, size)."""
        return np.asarray(found.spread)


def as_it_is() -> AsItIs:
    """Return the calibration of a model that has its own."""
    return AsItIs(np.ones(1), np.zeros(1), np.zeros(1))


def _width(mean: Floats, frame: Frame) -> Floats:
    """Return sqrt(rho^2 + (EDGE rho_0)^2), (n, size)."""
    return np.asarray(np.sqrt(mean**2 + (EDGE * frame.scale[:, None]) ** 2))
