"""The space of points that a campaign searches, its unit cube, and the way between them.

Coordinates u in [0, 1], one column per free parameter, in the order of the file:

    real            u = (x - low) / (high - low)
    real, log       u = (ln x - ln low) / (ln high - ln low)
    integer         u = (k - low + 1/2) / (high - low + 1): the centre of its cell
    integer, log    u = (ln k - ln(low - 1/2)) / (ln(high + 1/2) - ln(low - 1/2))
    choice          u = (index + 1/2) / number of choices

Fixed and derived parameters have no column. Constraints are linear, those between parameters on log scales in their
logarithms, and become A_unit u <= b_unit.
"""

from __future__ import annotations

import graphlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import cached_property, partial
from keyword import iskeyword
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from softal.errors import Problem, SpaceError
from softal.kinds.validation import join, show, unknown
from softal.numeric import Floats
from softal.space import coordinates
from softal.space.constraints import Forms, is_number
from softal.space.expressions import RESERVED, Expression, ExpressionError, Linear
from softal.space.parameters import Choice, Derived, Fixed, Integer, Parameter, Real, read_parameter
from softal.space.polytope import SOLVER_TOLERANCE, TOLERANCE, Around, Undecided, interior_point_among, walk

__all__ = ["Choice", "Derived", "Fixed", "Integer", "InvalidSpace", "Parameter", "Point", "Real", "Space"]

Point = dict[str, float | int | str | bool]
Value = float | int | str | bool

BLOCK = 512  # candidates drawn at once, at most, by rejection sampling
BLOCKS = 4  # blocks tried before hit-and-run takes over
STEPS = (0.1, 0.1, 0.03, 0.03, 0.01, 0.01, 0.003, 0.001)  # from feasible points to others, where few are
WALKS = 8  # of hit-and-run, before what is missing is made up by one point


class InvalidSpace(SpaceError):
    """The space itself is wrong; `problems` lists everything that is."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Space:
    """Parameters with their ranges, and constraints between them.

    Args:
        parameters: name -> parameter, or what stands for it in a campaign file (`{"low": 0, "high": 1}`, `3.0`).
        constraints: inequalities such as `2*x + y <= 3`, linear in real and integer parameters that are not `log`, or
            such as `k2 <= 4*k1`, of products and powers of those that are.

    Raises:
        InvalidSpace: with all problems at once.
    """

    def __init__(self, parameters: Mapping[str, Any], constraints: Sequence[str] = ()) -> None:
        self._refuses: Callable[[Point], str | None] | None = None
        self.parameters, problems = _read_all(parameters)
        self.constraints = tuple(constraints)
        if not problems:
            self._free = {name: p for name, p in self.parameters.items() if isinstance(p, Real | Integer | Choice)}
            self._fixed = {name: p.value for name, p in self.parameters.items() if isinstance(p, Fixed)}
            self._derived, problems = _order_derived(self.parameters)
        if not problems:
            self.A_unit, self.b_unit, problems = self._unit_constraints()
        if not problems and len(self.A_unit):
            problems = self._no_room()
        if problems:
            raise InvalidSpace(problems)

    def __repr__(self) -> str:
        return f"Space({self.to_dict()})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Space:
        """Make a space of what `to_dict` returned."""
        return cls(data["parameters"], data.get("constraints", ()))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data (JSON, YAML) from which `from_dict` makes the same space."""
        parameters = {name: p.model_dump(mode="json", exclude_defaults=True) for name, p in self.parameters.items()}
        for name, parameter in self.parameters.items():
            if isinstance(parameter, Integer):
                parameters[name]["integer"] = True
        return {"parameters": parameters, "constraints": list(self.constraints)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the free parameters: the columns of the unit cube."""
        return tuple(self._free)

    @cached_property
    def all_names(self) -> tuple[str, ...]:
        """Names of all parameters, free, fixed and derived."""
        return tuple(self.parameters)

    @cached_property
    def dimension(self) -> int:
        """Number of free parameters, d."""
        return len(self._free)

    @cached_property
    def categorical(self) -> tuple[int, ...]:
        """Columns of the choices."""
        return tuple(i for i, p in enumerate(self._free.values()) if isinstance(p, Choice))

    @cached_property
    def integer(self) -> tuple[int, ...]:
        """Columns of the whole numbers."""
        return tuple(i for i, p in enumerate(self._free.values()) if isinstance(p, Integer))

    @cached_property
    def ingredients(self) -> frozenset[str]:
        """Names of the parameters from which others are derived."""
        return frozenset(name for expression in self._derived.values() for name in expression.names)

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit of each parameter, `""` where it has none."""
        return {name: parameter.unit for name, parameter in self.parameters.items()}

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """(d,) number of values of each integer or choice, 0 for a real parameter."""
        return np.array([coordinates.cells(p) for p in self._free.values()], dtype=np.int64)

    @cached_property
    def defaults(self) -> dict[str, Value]:
        """Values of the free parameters that results without them have."""
        return {name: p.default for name, p in self._free.items() if p.default is not None}

    def refusing(self, refuses: Callable[[Point], str | None]) -> Space:
        """Return the same space, in which points for which `refuses` gives a reason are not feasible either.

        It is asked for every point that a strategy thinks of, so it must be quick; it is not part of `to_dict`.
        """
        other = copy(self)
        other._refuses = refuses
        return other

    def refused(self, point: Point) -> str | None:
        """Return the reason for which a complete point is refused (`refusing`); None where it is not."""
        return None if self._refuses is None else self._refuses(point)

    def to_unit(self, points: Iterable[Mapping[str, Value]]) -> Floats:
        """Return the unit coordinates (n, d) of points; only free parameters are looked at.

        A number outside its range gives a coordinate outside [0, 1].

        Raises:
            SpaceError: a free parameter is missing, or has a value without a coordinate.
        """
        points = list(points)
        U = np.empty((len(points), self.dimension))
        for i, (name, parameter) in enumerate(self._free.items()):
            U[:, i] = coordinates.column(name, parameter, [_get(point, name) for point in points])
        return U

    def from_unit(self, U: ArrayLike) -> list[Point]:
        """Return the complete points, with fixed and derived parameters, at unit coordinates U (n, d).

        Coordinates are clipped to [0, 1]; whole numbers come back as int.

        Raises:
            SpaceError: wrong shape, or a derived parameter has no value at one of the points.
        """
        U = self._unit_array(U)
        columns = [coordinates.values(p, U[:, i]) for i, p in enumerate(self._free.values())]
        return (
            [self._with_derived(dict(zip(self._free, row, strict=True))) for row in zip(*columns, strict=True)]
            if (columns)
            else [self._with_derived({}) for _ in U]
        )

    def snap(self, U: ArrayLike) -> Floats:
        """Return U (n, d) clipped to the cube, with integers and choices at the centres of their cells."""
        U = self._unit_array(U)
        snapped = U.copy()
        for i, parameter in enumerate(self._free.values()):
            if isinstance(parameter, Real):
                continue
            values = coordinates.values(parameter, U[:, i])
            name = self.names[i]
            snapped[:, i] = [coordinates.coordinate(name, parameter, value) for value in values]
        return snapped

    def complete(self, point: Mapping[str, Value]) -> Point:
        """Return the point with fixed and derived parameters added.

        Args:
            point: every free parameter; fixed and derived ones may be there if they have their right value.

        Raises:
            SpaceError: a parameter is unknown, missing or outside its range; the message says what is allowed.
        """
        for name in point:
            if name not in self.parameters:
                raise SpaceError(unknown(name, self.all_names, "parameter"))
        done = self._with_derived(
            {name: coordinates.inside(name, p, _get(point, name)) for name, p in self._free.items()}
        )
        for name in set(point) - set(self._free):
            if not _same(point[name], done[name]):
                raise SpaceError(f"{name}: {show(point[name])} is given, but it is {show(done[name])} at this point")
        return done

    def adopt(self, point: Mapping[str, Value]) -> Point:
        """Return a complete point that was run in another space as one of this: with defaults where it has no value.

        Its numbers may be outside of the ranges.

        Raises:
            SpaceError: it cannot be one: a value has no coordinate, there is neither a value nor a default, or a
                parameter that is fixed or derived would have another value.
        """
        free: Point = {**self.defaults, **{name: value for name, value in point.items() if name in self._free}}
        for name, parameter in self._free.items():
            if name not in free:
                raise SpaceError(f"{name}: has no value there; say by `default` which one it was run with")
            coordinates.coordinate(name, parameter, free[name])
        whole = self._with_derived(free)
        if others := [name for name in whole if name not in point and name not in self._free]:
            raise SpaceError(f"{others[0]}: has no value there; a new parameter is a range or choices with a `default`")
        for name, value in point.items():
            if name not in whole:
                raise SpaceError(f"{name}: is {show(value)} there, and would not be in it")
            if not _same(value, whole[name]):
                raise SpaceError(f"{name}: is {show(value)} there, and would be {show(whole[name])}")
        return {name: point.get(name, value) for name, value in whole.items()}

    def holds(self, points: Sequence[Mapping[str, Value]]) -> NDArray[np.bool_]:
        """Return (n,) whether points lie within the ranges and satisfy the constraints.

        Raises:
            SpaceError: as of `to_unit`.
        """
        U = self.to_unit(points)
        within = np.all((U >= -TOLERANCE) & (U <= 1.0 + TOLERANCE), axis=1)
        return np.asarray(within & self._within(self.snap(U)))

    def feasible(self, U: ArrayLike) -> NDArray[np.bool_]:
        """Return (n,) whether each row of U (n, d), snapped, satisfies the constraints and is not refused."""
        snapped = self.snap(U)
        fits = self._within(snapped)
        if self._refuses is not None and fits.any():
            fits[fits] = [self._refuses(point) is None for point in self.from_unit(snapped[fits])]
        return fits

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Return n random feasible points (n, d), snapped: uniform in the unit cube within the constraints.

        By rejection; where less than a hundredth is feasible, by hit-and-run from the centre of what the constraints
        leave. Where points are refused, too, those that are missing then lie near feasible ones. Only where none at all
        was found may they be refused: simulations say why.
        """
        if not len(self.A_unit) and self._refuses is None:
            return self.snap(rng.random((n, self.dimension)))
        kept = np.empty((0, self.dimension))
        tried, block = 0, min(4 * n + 12, BLOCK)
        while len(kept) < n and (tried < BLOCK * BLOCKS or len(kept) > tried / 100):
            candidates = self.snap(rng.random((block, self.dimension)))
            kept = np.vstack([kept, candidates[self.feasible(candidates)]])
            tried, block = tried + block, min(2 * block, BLOCK)
        if len(kept) >= n:
            return kept[:n]
        drawn = self._walked(n, rng) if len(self.A_unit) else self.snap(rng.random((n, self.dimension)))
        if self._refuses is None:
            return drawn
        kept = np.vstack([kept, drawn[self.feasible(drawn)]])
        return self._beside(kept, n, rng)[:n] if len(kept) else drawn

    def _beside(self, kept: Floats, n: int, rng: np.random.Generator) -> Floats:
        """Return feasible points (>= n, d), of which some (k, d), k >= 1, are known: steps from one to the next.

        Where all steps end outside, points repeat.
        """
        for size in STEPS:
            if len(kept) >= n:
                break
            around = np.repeat(kept[rng.integers(len(kept), size=BLOCK // 8)], 8, axis=0)
            steps = self.snap(np.clip(around + size * rng.standard_normal(around.shape), 0.0, 1.0))
            kept = np.vstack([kept, steps[self.feasible(steps)]])
        return kept if len(kept) >= n else np.resize(kept, (n, self.dimension))

    def _within(self, snapped: Floats) -> NDArray[np.bool_]:
        return np.asarray((snapped @ self.A_unit.T - self.b_unit).max(axis=1, initial=-np.inf) <= TOLERANCE)

    def _walked(self, n: int, rng: np.random.Generator) -> Floats:
        """Return n points (n, d) of a walk within the constraints.

        Where these hold whole numbers on a log scale, it walks over all that may become feasible by snapping, and keeps
        what does; what is missing after some walks is made up by the centre.
        """
        half_cells = np.zeros(self.dimension)
        for i, neighbours in self._uneven.items():
            half_cells[i] = neighbours(0.0)[0]  # the first is the widest
        room = self._b_lattice + np.abs(self.A_unit) @ half_cells
        found, start = np.empty((0, self.dimension)), self._centre
        for _ in range(WALKS):
            U = walk(self.A_unit, room, self._lattice, start, n, rng)
            snapped, start = self.snap(U), U[-1]
            found = np.vstack([found, snapped[self._within(snapped)]])
            if len(found) >= n:
                return found[:n]
        return np.vstack([found, np.repeat(self._centre[None], n - len(found), axis=0)])

    def _with_derived(self, point: Point) -> Point:
        values: Point = {**point, **self._fixed}
        for name, expression in self._derived.items():
            try:
                values[name] = expression(values)  # type: ignore[arg-type]
            except ExpressionError as error:
                raise SpaceError(f"{name}: {error}") from None
        return {name: values[name] for name in self.parameters}

    def _unit_array(self, U: ArrayLike) -> Floats:
        array = np.asarray(U, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != self.dimension:
            raise SpaceError(f"unit coordinates have shape {array.shape}; (n, {self.dimension}) is allowed")
        if not np.isfinite(array).all():
            raise SpaceError("unit coordinates hold NaN or infinity; numbers from 0 to 1 are allowed")
        return np.clip(array, 0.0, 1.0)

    def _unit_constraints(self) -> tuple[Floats, Floats, list[Problem]]:
        rows, bounds, problems = [], [], []
        forms = Forms.of(self.parameters, self._derived)
        for number, text in enumerate(self.constraints):
            try:
                for form in forms.differences(text):
                    row, bound = self._unit_row(form, text)
                    rows.append(row)
                    bounds.append(bound)
            except ExpressionError as error:
                problems.append(Problem(f"constraints.{number}", str(error)))
        return np.array(rows).reshape(len(rows), self.dimension), np.array(bounds, dtype=np.float64), problems

    def _unit_row(self, form: Linear, text: str) -> tuple[Floats, float]:
        """Return row and bound of form <= 0 in unit coordinates, largest coefficient 1."""
        row, bound = np.zeros(self.dimension), -form.constant
        for i, (name, parameter) in enumerate(self._free.items()):
            factor = form.coefficients.get(name, 0.0)
            if factor:
                start, width = coordinates.start_and_width(parameter)
                row[i], bound = factor * width, bound - factor * start
        scale = float(np.abs(row).max(initial=0.0))
        if not scale:
            raise ExpressionError(f"`{text}` holds {'always' if bound >= 0 else 'never'}: no free parameter is in it")
        if not (math.isfinite(scale) and math.isfinite(bound / scale)):
            raise ExpressionError(f"`{text}` has coefficients that are too large")
        return row / scale, bound / scale

    def _no_room(self) -> list[Problem]:
        """Return the problem that the constraints leave nothing, or nothing but a surface, if they do."""
        said = ", ".join(f"`{text}`" for text in self.constraints)
        try:
            centre, distance = interior_point_among(self.A_unit, self._b_lattice, self._lattice, self._uneven)
        except Undecided as error:
            way_out = "loosen them, or write a parameter that the others determine as `{derived: ...}`"
            return [Problem("constraints", f"{said}: {error}; {way_out}")]
        self._centre = self.snap(centre[None])[0]
        real = [isinstance(parameter, Real) for parameter in self._free.values()]
        bound = self.A_unit[:, real].any()
        if distance >= 0 and (not bound or distance > SOLVER_TOLERANCE):
            return []
        if distance >= 0:
            return [
                Problem(
                    "constraints",
                    f"{said} leave a space without volume; write a parameter that the others "
                    "determine as `{derived: ...}`",
                )
            ]
        return [Problem("constraints", f"{said} leave no point of the space")]

    @cached_property
    def _lattice(self) -> NDArray[np.int64]:
        """As `cells`, where a whole number on a log scale, which lies on no even lattice, is as good as real."""
        log = [getattr(parameter, "log", False) for parameter in self._free.values()]
        return np.where(log, 0, self.cells)

    @cached_property
    def _uneven(self) -> dict[int, Around]:
        """Columns of the whole numbers on a log scale that constraints hold, and the way to their values."""
        return {
            i: partial(coordinates.around, parameter)
            for i, parameter in enumerate(self._free.values())
            if isinstance(parameter, Integer) and parameter.log and self.A_unit[:, i].any()
        }

    @property
    def _b_lattice(self) -> Floats:
        """Half the tolerance, so that rounding never takes a lattice point away."""
        return self.b_unit + TOLERANCE / 2 * (self._lattice > 0).any()


def _read_all(data: Mapping[str, Any]) -> tuple[dict[str, Parameter], list[Problem]]:
    parameters: dict[str, Parameter] = {}
    problems: list[Problem] = []
    for name, entry in data.items():
        wrong = _wrong_name(name)
        if wrong:
            problems.append(Problem(str(name), wrong))
        parameter, found = read_parameter(entry)
        problems += [Problem(join(name, problem.place), problem.message) for problem in found]
        if parameter is not None:
            parameters[str(name)] = parameter
    return parameters, problems


def _wrong_name(name: object) -> str | None:
    if not isinstance(name, str) or not name.isidentifier():
        return f"{show(name)} is not a name; allowed: letters, digits and _, not beginning with a digit"
    if iskeyword(name):
        return f"{show(name)} is a word of Python's; another name is needed"
    if name in RESERVED:
        return (
            f"{show(name)} is the name of a function or constant; allowed is any name but {', '.join(sorted(RESERVED))}"
        )
    return None


def _order_derived(parameters: Mapping[str, Parameter]) -> tuple[dict[str, Expression], list[Problem]]:
    """Return the derived parameters in the order in which they can be calculated."""
    expressions = {name: Expression(p.derived) for name, p in parameters.items() if isinstance(p, Derived)}
    numbers = {name: None for name, parameter in parameters.items() if is_number(parameter)}
    problems = [
        Problem(f"{name}.derived", message)
        for name, expression in expressions.items()
        for message in _wrong_names(expression, parameters, numbers)
    ]
    if problems:
        return {}, problems
    graph = {name: sorted(expression.names & expressions.keys()) for name, expression in expressions.items()}
    try:
        order = list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        cycle = list(reversed(error.args[1]))
        return {}, [Problem(f"{cycle[0]}.derived", f"goes round in a circle: {' needs '.join(cycle)}")]
    return {name: expressions[name] for name in order}, []


def _wrong_names(expression: Expression, parameters: Mapping[str, Parameter], numbers: Mapping[str, None]) -> list[str]:
    messages = []
    for name in sorted(expression.names):
        if name not in parameters:
            messages.append(unknown(name, numbers, "parameter"))
        elif name not in numbers:
            messages.append(f"`{name}` is not a number; allowed: {', '.join(numbers) or 'none'}")
    return messages


def _get(point: Mapping[str, Value], name: str) -> Value:
    if name not in point:
        raise SpaceError(f"{name} is missing in the point {show(dict(point))}")
    return point[name]


def _same(given: Value, right: Value) -> bool:
    if isinstance(given, bool | str) or isinstance(right, bool | str):
        return type(given) is type(right) and given == right
    return math.isclose(given, right, rel_tol=1e-9, abs_tol=1e-12)
