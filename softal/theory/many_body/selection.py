"""Forward selection: which candidates together say most about a quantity, chosen one after the other.

Each next one is that which raises the multiple correlation R^2 most (E. Boattini et al., J. Chem. Phys. 153, 064902
(2020), after G. Imbalzano et al., J. Chem. Phys. 148, 241730 (2018)). Candidates are kept orthogonal to what is chosen
(modified Gram-Schmidt, twice), so that a step costs a product with the pool and no new fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.errors import TheoryError
from softal.numeric import Floats

INDEPENDENT = 1e-6  # of a candidate's length, that is left beside those chosen: with less it says nothing of its own
EXACT = 1e-10  # of the values' length: what is left to be said is rounding


@dataclass(frozen=True)
class Selection:
    """Candidates in the order in which they were chosen.

    Attributes:
        order: their numbers, (m,).
        r_squared: multiple correlation with the first 1, 2, ... m, (m,).
        rmse: of fits by the first 1, 2, ... m on what they were chosen by, (m,).
        unseen: the same on what was held out, (m,); empty where nothing was.
    """

    order: NDArray[np.int64]
    r_squared: Floats
    rmse: Floats
    unseen: Floats


def select(
    X: Floats, y: Floats, most: int, unseen: tuple[Floats, Floats] | None = None, *, intercept: bool = True
) -> Selection:
    """Choose up to `most` of the candidates.

    Args:
        X: (n, M), a column a candidate.
        y: (n,), what they are to say.
        most: how many; fewer where the others are linear combinations of those chosen, or these say everything.
        unseen: X and y that were held out.
        intercept: whether fits have one; R^2 is of the squares about 0, and not about the mean, where they have none.

    Raises:
        TheoryError: if the pool is empty, shapes do not fit, something is not finite, or nothing varies.
    """
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if X.ndim != 2 or X.shape[1] == 0 or X.shape[:1] != y.shape:
        raise TheoryError(f"candidates of shape {X.shape} for values of {y.shape}; allowed: (n, M) and (n,), M above 0")
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise TheoryError("candidates and values have to be finite")
    rest, left = (X - X.mean(axis=0), y - y.mean()) if intercept else (X.copy(), y)
    lengths, total = np.linalg.norm(rest, axis=0), float(left @ left)
    usable = lengths > INDEPENDENT * np.maximum(np.abs(X).max(axis=0), 1e-300)
    if not usable.any() or total == 0:
        raise TheoryError("no candidate varies" if total else "the values do not vary")
    rest[:, usable] /= lengths[usable]
    order: list[int] = []
    residuals: list[float] = []
    while len(order) < min(most, len(y) - 1) and (not residuals or residuals[-1] > EXACT**2 * total):
        norms = np.linalg.norm(rest, axis=0)
        free = usable & (norms > INDEPENDENT)
        free[order] = False
        if not free.any():
            break
        gains = np.where(free, (rest.T @ left) ** 2 / np.where(free, norms, 1.0) ** 2, -1.0)
        best = int(np.argmax(gains))
        direction = rest[:, best] / norms[best]
        order.append(best)
        for _ in range(2):
            left = left - direction * (direction @ left)
            rest = rest - np.outer(direction, direction @ rest)
        residuals.append(float(left @ left))
    squares = np.array(residuals)
    found = _rmse(X, y, order, unseen, intercept) if unseen is not None else np.empty(0)
    return Selection(np.array(order), 1 - squares / total, np.sqrt(squares / len(y)), found)


def _rmse(X: Floats, y: Floats, order: list[int], unseen: tuple[Floats, Floats], intercept: bool) -> Floats:
    """Return the RMSE on what was held out of fits by the first 1, 2, ... of those chosen."""
    held, values = (np.asarray(one, dtype=float) for one in unseen)
    X = X[:, order]
    means, mean = (X.mean(axis=0), y.mean()) if intercept else (np.zeros(len(order)), 0.0)
    scales = np.sqrt(np.mean((X - means) ** 2, axis=0))
    Q, R = np.linalg.qr((X - means) / scales)
    projected = Q.T @ (y - mean)
    found = []
    for m in range(1, len(order) + 1):
        coefficients = np.linalg.solve(R[:m, :m], projected[:m])
        wrong = ((held[:, order[:m]] - means[:m]) / scales[:m]) @ coefficients + mean - values
        found.append(float(np.sqrt(np.mean(wrong**2))))
    return np.array(found)
