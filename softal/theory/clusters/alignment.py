"""One configuration moved onto another: rotation, reflection, and which atom is which.

`alignments` looks for the nearest ones of two different structures: from many random rotations, the assignment of atoms
with the least sum of squared distances (Hungarian method) and the rotation that is best for it (Kabsch) in turn, until
neither changes. `congruent` finds the isometry between two copies of one structure, from three of its atoms.

Atoms are exchanged only within groups: `groups` (N,), whole numbers; None is one group of all.

Sources: H. W. Kuhn, Naval Res. Logist. Quart. 2, 83 (1955); W. Kabsch, Acta Cryst. A 32, 922 (1976).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.errors import TheoryError
from softal.numeric import Floats

SAME = 1e-6  # of the distance, of two alignments that are one [sigma]
TURNS = 60  # of assignment and rotation, at most
FOREIGN = 1e6  # cost of a place of another group [sigma^2]
APART = 1e3  # by which distances of different groups are kept apart [sigma]

Groups = NDArray[np.int64]


@dataclass(frozen=True)
class Alignment:
    """How a configuration goes onto another: x[order] @ rotation + shift.

    Attributes:
        order: which atom of x takes each place, (N,).
        rotation: orthogonal, a reflection included where its determinant is -1, (d, d).
        shift: (d,) [sigma].
        distance: root of the sum of squared distances then, in the space of all coordinates [sigma].
    """

    order: NDArray[np.int64]
    rotation: Floats
    shift: Floats
    distance: float

    def apply(self, x: Floats) -> Floats:
        """Return x (N, d), or frames (F, N, d), moved."""
        return np.asarray(x[..., self.order, :] @ self.rotation + self.shift)


def check_pair(x: Floats, y: Floats) -> None:
    """Raise TheoryError where two configurations cannot be the ends of one path."""
    if x.ndim != 2 or x.shape[-1] not in (2, 3) or x.shape != y.shape:
        sizes = " and ".join(f"{len(one)} atoms in {one.shape[-1]} dimensions" for one in (x, y))
        raise TheoryError(f"the end points have {sizes}; allowed: the same number of atoms, in the plane or in space")


def kabsch(x: Floats, y: Floats) -> Floats:
    """Return the orthogonal matrix R (d, d) for which |x R - y| is least, of centred x and y (N, d)."""
    u, _, v = np.linalg.svd(x.T @ y)
    return np.asarray(u @ v)


def nearest(x: Floats, y: Floats, rotation: Floats, groups: Groups | None = None) -> Alignment:
    """Return the alignment of x onto y (N, d) that assignment and rotation in turn lead to from a rotation (d, d)."""
    from scipy.optimize import linear_sum_assignment

    to, of = y.mean(axis=0), x.mean(axis=0)
    a, b = x - of, y - to
    order = np.arange(len(x))
    foreign = 0.0 if groups is None else FOREIGN * (groups[:, None] != groups[None])
    for turn in range(TURNS):
        # |a R|^2 and |b|^2 are the same for all assignments.
        cost = foreign - b @ (a @ rotation).T
        found = np.asarray(linear_sum_assignment(cost)[1], dtype=np.int64)
        if turn and np.array_equal(found, order):
            break
        order = found
        rotation = kabsch(a[order], b)
    distance = float(np.linalg.norm(a[order] @ rotation - b))
    return Alignment(order, rotation, to - of @ rotation, distance)


def alignments(
    x: Floats, y: Floats, starts: int, seed: int, *, groups: Groups | None = None, keep: int | None = None
) -> list[Alignment]:
    """Return different alignments of x onto y (N, d), the nearest first.

    Args:
        x, y: configurations [sigma].
        starts: random rotations, every second one with a reflection; the one that x has already comes first.
        seed: of these.
        groups: within which atoms are exchanged.
        keep: how many to return at most; None is all.

    Raises:
        TheoryError: configurations of different size.
    """
    check_pair(x, y)
    rng, d = np.random.default_rng(seed), x.shape[1]
    found: list[Alignment] = []
    for k in range(max(1, starts)):
        rotation = np.eye(d) if k == 0 else random_rotation(rng, d, reflected=k % 2 == 1)
        found.append(nearest(x, y, rotation, groups))
    found.sort(key=lambda one: one.distance)
    different = [one for k, one in enumerate(found) if k == 0 or one.distance - found[k - 1].distance > SAME]
    return different[:keep]


def random_rotation(rng: np.random.Generator, dimension: int, *, reflected: bool = False) -> Floats:
    """Return a rotation (d, d), all equally likely; with a reflection, where it is wanted."""
    q, r = np.linalg.qr(rng.normal(size=(dimension, dimension)))
    q = q * np.sign(np.diag(r))
    if (np.linalg.det(q) < 0) != reflected:
        q[:, 0] *= -1
    return np.asarray(q)


def distances(x: Floats) -> Floats:
    """Return all distances between atoms of x (N, d), (N, N) [sigma]."""
    return np.asarray(np.sqrt(np.maximum(np.sum((x[:, None] - x[None]) ** 2, axis=2), 0.0)))


def fingerprint(x: Floats, groups: Groups | None = None) -> Floats:
    """Return the sorted distances of all pairs, (N (N - 1) / 2,) [sigma]: the same for all copies of a structure.

    Those of different groups stand one after another.
    """
    upper = np.triu_indices(len(x), 1)
    apart = distances(x)[upper]
    if groups is not None:
        low, high = (np.sort(groups[np.array(upper)], axis=0)[k] for k in (0, 1))
        apart = apart + APART * (low * (groups.max() + 1) + high)
    return np.sort(apart)


def congruent(x: Floats, y: Floats, tolerance: float = 1e-3, groups: Groups | None = None) -> Alignment | None:
    """Return the alignment of x onto y (N, d) where they are copies of one structure; None where they are not.

    tolerance: largest distance of an atom from its place [sigma].
    """
    to, of = y.mean(axis=0), x.mean(axis=0)
    a, b = x - of, y - to
    of_group = 0.0 if groups is None else APART * groups[None, :]
    near, far = (np.sort(distances(one) + of_group, axis=1) for one in (a, b))
    like = np.max(np.abs(near[:, None] - far[None]), axis=2) < 4 * tolerance  # (N of x, N of y)
    if groups is not None:
        like &= groups[:, None] == groups[None]
    if not (like.any(axis=1).all() and like.any(axis=0).all()):
        return None
    frame = _frame(a, like.sum(axis=1))
    between = distances(a)[np.ix_(frame, frame)]
    there = distances(b)
    for places in _places(like[frame], between, there, 4 * tolerance):
        rotation = kabsch(a[frame], b[places])
        for one in _with_mirror(rotation, a[frame], x.shape[1]):
            moved = a @ one
            apart = np.sum((b[:, None] - moved[None]) ** 2, axis=2)
            order = np.argmin(apart, axis=1)
            if len(set(order.tolist())) == len(x) and np.max(np.min(apart, axis=1)) < (2 * tolerance) ** 2:
                exact = kabsch(a[order], b)
                rest = a[order] @ exact - b
                same = groups is None or np.array_equal(groups[order], groups)
                if same and np.max(np.sum(rest**2, axis=1)) < tolerance**2:
                    return Alignment(order, exact, to - of @ exact, float(np.linalg.norm(rest)))
    return None


def _frame(a: Floats, candidates: NDArray[np.int64]) -> list[int]:
    """Return d atoms that fix a frame with the centre, those with few candidates first."""
    chosen: list[int] = []
    basis = np.zeros((0, a.shape[1]))
    for bar in (0.4, 0.1, 1e-3):
        for i in np.argsort(candidates, kind="stable").tolist():
            if len(chosen) == a.shape[1]:
                return chosen
            rest = a[i] - basis.T @ (basis @ a[i])
            if i not in chosen and np.linalg.norm(rest) > bar:
                chosen.append(i)
                basis = np.vstack([basis, rest / np.linalg.norm(rest)])
    return chosen


def _places(like: NDArray[np.bool_], between: Floats, there: Floats, tolerance: float) -> list[list[int]]:
    """Return where the atoms of the frame may go: places that look like theirs, at their distances."""
    found: list[list[int]] = [[]]
    for k, row in enumerate(like):
        options = np.flatnonzero(row).tolist()
        found = [
            [*old, place]
            for old in found
            for place in options
            if all(abs(there[place, q] - between[k, m]) < tolerance for m, q in enumerate(old))
        ]
    return found


def _with_mirror(rotation: Floats, frame: Floats, dimension: int) -> list[Floats]:
    """Return a rotation, and the one mirrored in the plane of the frame where its atoms leave that open."""
    if len(frame) == dimension and np.linalg.svd(frame, compute_uv=False)[-1] > 1e-3:
        return [rotation]
    normal = np.linalg.svd(frame)[2][-1]
    return [rotation, np.asarray((np.eye(dimension) - 2 * np.outer(normal, normal)) @ rotation)]
