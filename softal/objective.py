"""The objective: what is made of an observation, and in which direction.

`minimize` and `maximize` take a value, `match` compares arrays with references, `learn` asks for a surrogate that is
good everywhere. Several components at once make a Pareto front. Strategies see losses, which are minimised:
loss = sign * value, sign = +1 for minimize, match and learn, -1 for maximize.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from softal.errors import InvalidObservation, SoftalError
from softal.trial import Array, Observation, Trial, TrialState

Direction = Literal["minimize", "maximize", "learn"]
MIN_COVERAGE = 0.9  # a simulated array must reach over this part of the reference's range to be compared with it
MISMATCH = "mismatch"


@dataclass(frozen=True)
class Reference:
    """A measured or published array that a simulated one is compared with.

    Attributes:
        array: name of the observation's array.
        grid, values: shape (k,), ascending grid.
        range: part of the grid that counts, in its units.
        weight: of this array among several in one match.
    """

    array: str
    grid: NDArray[np.float64]
    values: NDArray[np.float64]
    range: tuple[float, float] = (-np.inf, np.inf)
    weight: float = 1.0

    @property
    def size(self) -> int:
        """Number of the reference's grid points within `range`."""
        return int(np.sum(self._wanted()))

    def _wanted(self) -> NDArray[np.bool_]:
        return np.asarray((self.grid >= self.range[0]) & (self.grid <= self.range[1]))

    def compare(self, simulated: Array) -> tuple[float, float]:
        """Return the relative L2 distance chi and its standard error (NaN where the simulation has none).

        chi = sqrt(sum (y - y_ref)^2 / sum y_ref^2) over the reference's grid points within `range` that the simulation
        covers. Its error follows from those of the simulated values s, taken as independent.

        Raises:
            InvalidObservation: if the simulation has no grid or covers too little of the range.
        """
        residual, slopes, errors = self._relative(simulated)
        inside = residual[np.isfinite(residual)]
        chi = float(np.linalg.norm(inside))
        if errors is None:
            return chi, np.nan
        if chi == 0:
            return 0.0, float(np.linalg.norm(slopes @ errors))
        return chi, float(np.linalg.norm((slopes.T @ inside / chi) * errors))

    def residual(self, simulated: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the relative residual whose length is chi, and its variance, both of shape (`size`,).

        r = (W s - y_ref) / |y_ref|, W interpolating linearly onto the reference's grid; var r = W^2 var s / |y_ref|^2.
        Grid points that the simulation does not cover are NaN in both; the variance is NaN where no error is known.

        Raises:
            InvalidObservation: as `compare`.
        """
        residual, slopes, errors = self._relative(simulated)
        variance = np.full(len(residual), np.nan)
        if errors is not None:
            variance[np.isfinite(residual)] = slopes**2 @ errors**2
        return residual, variance

    def _relative(
        self, simulated: Array
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
        """Return r with NaN where it is not covered, d r / d s where it is, and the errors of s."""
        if simulated.grid is None:
            raise InvalidObservation(f"array {self.array!r} has no grid to be compared on")
        grid, values, errors = _ascending(simulated)
        wanted = self._wanted()
        covered = wanted & (self.grid >= grid[0]) & (self.grid <= grid[-1])
        if covered.sum() < max(2, MIN_COVERAGE * wanted.sum()):
            low, high = self.grid[wanted][[0, -1]] if wanted.any() else self.range
            raise InvalidObservation(
                f"array {self.array!r} reaches from {grid[0]:g} to {grid[-1]:g}, the reference from {low:g} to {high:g}"
            )
        reference = self.values[covered]
        norm = np.linalg.norm(reference)
        slopes = _interpolation(self.grid[covered], grid) / norm
        residual = np.full(int(wanted.sum()), np.nan)
        residual[covered[wanted]] = slopes @ values - reference / norm
        return residual, slopes, errors


def _ascending(array: Array) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    assert array.grid is not None
    order = np.argsort(array.grid, kind="stable")
    errors = None if array.errors is None else np.nan_to_num(array.errors[order])
    return array.grid[order], array.values[order], errors


def _interpolation(x: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return W, shape (len(x), len(grid)), such that W @ y interpolates y linearly at x."""
    right = np.clip(np.searchsorted(grid, x), 1, len(grid) - 1)
    width = grid[right] - grid[right - 1]
    fraction = np.divide(x - grid[right - 1], width, out=np.zeros_like(x), where=width > 0)
    weights = np.zeros((len(x), len(grid)))
    rows = np.arange(len(x))
    weights[rows, right - 1] = 1 - fraction
    weights[rows, right] += fraction
    return weights


@dataclass(frozen=True)
class Component:
    """One part of the objective: a value of the observation, or the mismatch of arrays with references."""

    name: str
    direction: Direction
    references: tuple[Reference, ...] = ()

    @property
    def sign(self) -> float:
        """What makes a loss of the value."""
        return -1.0 if self.direction == "maximize" else 1.0

    def evaluate(self, observation: Observation) -> tuple[float, float]:
        """Return the component's value and its standard error (NaN where it is not known)."""
        if self.references:
            return self._mismatch(observation)
        if self.name not in observation.values:
            returned = ", ".join(sorted(observation.values)) or "none"
            raise InvalidObservation(
                f"the objective's value {self.name!r} was not returned; values returned: {returned}"
            )
        value = float(observation.values[self.name])
        if not np.isfinite(value):
            raise InvalidObservation(f"the objective's value {self.name!r} is {value}")
        return value, float(observation.errors.get(self.name, np.nan))

    def _mismatch(self, observation: Observation) -> tuple[float, float]:
        """Return sqrt(sum w chi^2 / sum w) over the references, and its error."""
        weights = np.array([reference.weight for reference in self.references])
        chi, error = np.empty(len(weights)), np.empty(len(weights))
        for i, reference in enumerate(self.references):
            chi[i], error[i] = reference.compare(self._array(observation, reference))
        total = np.sqrt(np.sum(weights * chi**2) / np.sum(weights))
        slope = weights * chi / (np.sum(weights) * total) if total > 0 else np.sqrt(weights / np.sum(weights))
        if not np.isfinite(total):
            raise InvalidObservation(f"the mismatch is {total}")
        return float(total), float(np.linalg.norm(slope * error))

    @property
    def size(self) -> int:
        """Number K of residuals; 0 for a component that is a value."""
        return sum(reference.size for reference in self.references)

    def residual(self, observation: Observation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the residuals whose length is the component's value, and their variances, both of shape (K,).

        r = concatenation over the references p of sqrt(w_p / sum w) r_p, see `Reference.residual`: the value of a match
        is a known function, |r|, of simulated curves. (Where a simulation does not cover all of a reference, r is NaN
        there.)

        Raises:
            InvalidObservation: if an array is missing, has no grid, or covers too little of its reference.
        """
        weights = np.array([reference.weight for reference in self.references])
        scales = np.sqrt(weights / np.sum(weights))
        found = [reference.residual(self._array(observation, reference)) for reference in self.references]
        residuals = [scale * residual for scale, (residual, _) in zip(scales, found, strict=True)]
        variances = [scale**2 * variance for scale, (_, variance) in zip(scales, found, strict=True)]
        return np.concatenate(residuals), np.concatenate(variances)

    @staticmethod
    def _array(observation: Observation, reference: Reference) -> Array:
        if reference.array not in observation.arrays:
            returned = ", ".join(sorted(observation.arrays)) or "none"
            raise InvalidObservation(f"array {reference.array!r} was not returned; arrays returned: {returned}")
        return observation.arrays[reference.array]

    def describe(self) -> str:
        """Return the component in words, for people."""
        if self.references:
            return "match " + ", ".join(reference.array for reference in self.references)
        return f"{self.direction} {self.name}"


@dataclass(frozen=True)
class Objective:
    """All components of a campaign's objective."""

    components: tuple[Component, ...]

    def __post_init__(self) -> None:
        names = [component.name for component in self.components]
        if not names:
            raise SoftalError("an objective needs at least one of minimize, maximize, match, learn")
        if len(set(names)) < len(names):
            raise SoftalError(f"the objective names a value twice: {', '.join(names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the components."""
        return tuple(component.name for component in self.components)

    @property
    def signs(self) -> NDArray[np.float64]:
        """What makes losses of the values, shape (m,)."""
        return np.array([component.sign for component in self.components])

    @property
    def single(self) -> bool:
        """Whether there is one component."""
        return len(self.components) == 1

    @property
    def matching(self) -> bool:
        """Whether every component is a match: the objective is then a known function of curves."""
        return all(component.references for component in self.components)

    @property
    def learning(self) -> bool:
        """Whether the surrogate shall be good everywhere: there is no best point then."""
        return any(component.direction == "learn" for component in self.components)

    def evaluate(self, observation: Observation) -> tuple[dict[str, float], dict[str, float]]:
        """Return value and known standard error of each component; InvalidObservation names what is missing."""
        results = {component.name: component.evaluate(observation) for component in self.components}
        values = {name: value for name, (value, _) in results.items()}
        return values, {name: error for name, (_, error) in results.items() if np.isfinite(error)}

    def losses(self, trials: Sequence[Trial]) -> NDArray[np.float64]:
        """Return the losses of the trials that are done, shape (n, m)."""
        rows = [[trial.objective[name] for name in self.names] for trial in _done(trials)]
        return np.array(rows, dtype=np.float64).reshape(-1, len(self.names)) * self.signs

    def loss_errors(self, trials: Sequence[Trial]) -> NDArray[np.float64]:
        """Return the standard errors of the losses of the trials that are done, shape (n, m); NaN where unknown."""
        rows = [[trial.objective_errors.get(name, np.nan) for name in self.names] for trial in _done(trials)]
        return np.array(rows, dtype=np.float64).reshape(-1, len(self.names))

    def best(self, trials: Sequence[Trial]) -> Trial | None:
        """Return the trial with the lowest observed loss; None where none is done, or for several objectives."""
        done = _done(trials)
        if self.learning or not self.single or not done:
            return None
        return done[int(np.argmin(self.losses(done)[:, 0]))]

    def pareto_front(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials that no other trial beats in every component, in the order of the first component."""
        done = _done(trials)
        losses = self.losses(done)
        front: list[int] = []
        for i in np.lexsort(losses.T[::-1]):
            dominated = any(np.all(losses[j] <= losses[i]) and np.any(losses[j] < losses[i]) for j in front)
            if not dominated:
                front.append(int(i))
        return [done[i] for i in front]


def _done(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.state is TrialState.DONE and trial.objective]


def minimize(*names: str) -> Objective:
    """Return the objective of making values small."""
    return Objective(tuple(Component(name, "minimize") for name in names))


def maximize(*names: str) -> Objective:
    """Return the objective of making values large."""
    return Objective(tuple(Component(name, "maximize") for name in names))


def learn(*names: str) -> Objective:
    """Return the objective of a surrogate that predicts values well everywhere."""
    return Objective(tuple(Component(name, "learn") for name in names))


def match(references: Mapping[str, Reference | str | Path], name: str = MISMATCH) -> Objective:
    """Return the objective of arrays that agree with references, each a `Reference` or a file."""
    read = [
        ref if isinstance(ref, Reference) else load_reference(array, Path(ref)) for array, ref in references.items()
    ]
    return Objective((Component(name, "minimize", tuple(read)),))


def several(*objectives: Objective) -> Objective:
    """Return all components of several objectives as one."""
    return Objective(tuple(component for objective in objectives for component in objective.components))


def load_reference(
    array: str,
    path: Path,
    *,
    columns: tuple[str | int, str | int] = (0, 1),
    range: tuple[float, float] = (-np.inf, np.inf),
    weight: float = 1.0,
) -> Reference:
    """Read a reference from a CSV table (comments start with #, one line of column names) or a .npy of shape (k, 2+).

    Args:
        array: name of the observation's array that it is a reference for.
        path: the file.
        columns: grid and values, by name or number.
        range: part of the grid that counts.
        weight: among several references.

    Raises:
        SoftalError: if the file cannot be read or does not hold two columns of finite numbers, saying where.
    """
    try:
        header, table = _read_npy(path) if path.suffix == ".npy" else _read_csv(path)
        picked = [_column(column, header, table) for column in columns]
    except (OSError, ValueError) as error:
        raise SoftalError(f"{path} cannot be read as a table: {error}") from error
    order = np.argsort(picked[0], kind="stable")
    grid, values = picked[0][order], picked[1][order]
    inside = (grid >= range[0]) & (grid <= range[1])
    if inside.sum() < 2:
        raise SoftalError(
            f"{path} has {inside.sum()} points within {range[0]:g} to {range[1]:g}; at least 2 are needed"
        )
    if not np.any(values[inside]):
        raise SoftalError(f"{path} is zero everywhere: a relative distance to it is not defined")
    return Reference(array, grid, values, range, weight)


def _read_npy(path: Path) -> tuple[list[str], NDArray[np.float64]]:
    table = np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"its shape is {table.shape}; (points, columns) is needed")
    return [], table


def _read_csv(path: Path) -> tuple[list[str], NDArray[np.float64]]:
    numbered = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    lines = [(number, line.strip()) for number, line in numbered if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise ValueError("it has no lines")
    split = [(number, line.replace(",", " ").replace(";", " ").split()) for number, line in lines]
    header: list[str] = []
    if not _is_number(split[0][1][0]):
        header, split = split[0][1], split[1:]
    rows = []
    for number, cells in split:
        if not all(_is_number(cell) for cell in cells) or len(cells) != len(split[0][1]):
            raise ValueError(f"line {number} is not {len(split[0][1])} numbers: {' '.join(cells)[:60]!r}")
        rows.append([float(cell) for cell in cells])
    return header, np.array(rows, dtype=np.float64).reshape(len(rows), -1)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _column(column: str | int, header: list[str], table: NDArray[np.float64]) -> NDArray[np.float64]:
    if isinstance(column, str):
        if column not in header:
            raise ValueError(f"it has no column {column!r}; its columns are {', '.join(header) or 'not named'}")
        column = header.index(column)
    if table.size == 0 or not 0 <= column < table.shape[1]:
        raise ValueError(f"it has {table.shape[1] if table.size else 0} columns; column {column} is asked for")
    picked = table[:, column]
    if not np.all(np.isfinite(picked)):
        raise ValueError(f"column {column} holds values that are not finite")
    return picked
