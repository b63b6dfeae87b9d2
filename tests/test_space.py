"""The space: limits, round trips, constraints, derived parameters, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softal.errors import SpaceError
from softal.space import Choice, Fixed, Integer, InvalidSpace, Real, Space
from softal.space.expressions import Expression, ExpressionError

# The same examples in every run, however busy the machine is.
CALM = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

MIXED: dict[str, Any] = {
    "epsilon": {"low": 80, "high": 160, "unit": "K"},
    "cutoff": {"low": 1e-3, "high": 10.0, "log": True},
    "n": {"low": 8, "high": 14, "integer": True},
    "size": {"low": 1, "high": 1000, "integer": True, "log": True},
    "engine": {"choices": ["lammps", "hoomd", "numba"]},
    "particles": 864,
    "half": {"derived": "epsilon / 2"},
    "quarter": {"derived": "half / 2 + 0 * n"},
}


@pytest.fixture
def mixed() -> Space:
    return Space(MIXED)


def test_names_and_columns(mixed: Space) -> None:
    assert mixed.names == ("epsilon", "cutoff", "n", "size", "engine")
    assert mixed.all_names == tuple(MIXED)
    assert mixed.dimension == 5
    assert mixed.categorical == (4,)
    assert mixed.integer == (2, 3)
    assert mixed.units["epsilon"] == "K"
    assert isinstance(mixed.parameters["epsilon"], Real)
    assert isinstance(mixed.parameters["n"], Integer)
    assert isinstance(mixed.parameters["engine"], Choice)
    assert isinstance(mixed.parameters["particles"], Fixed)


def test_corners_are_the_bounds(mixed: Space) -> None:
    low, high = mixed.from_unit([[0.0] * 5, [1.0] * 5])
    assert low == {
        "epsilon": 80, "cutoff": 1e-3, "n": 8, "size": 1, "engine": "lammps", "particles": 864, "half": 40,
        "quarter": 20,
    }  # fmt: skip
    assert [high[name] for name in mixed.names] == [160, 10.0, 14, 1000, "numba"]
    assert type(low["n"]) is int
    assert type(low["epsilon"]) is float
    assert list(low) == list(MIXED)


def test_coordinates_by_hand() -> None:
    space = Space({"x": {"low": -1, "high": 3}, "y": {"low": 1, "high": 100, "log": True}, "k": Integer(low=0, high=3)})
    U = space.to_unit([{"x": 0, "y": 10, "k": 1}])
    assert pytest.approx(np.array([[0.25, 0.5, 0.375]])) == U


def test_coordinates_outside_are_clipped(mixed: Space) -> None:
    assert mixed.from_unit([[-3.0] * 5]) == mixed.from_unit([[0.0] * 5])
    assert mixed.from_unit([[3.0] * 5]) == mixed.from_unit([[1.0] * 5])


def test_integers_and_choices_have_cells_of_equal_width() -> None:
    space = Space({"k": {"low": -2, "high": 2, "integer": True}, "c": {"choices": [1, 2, 3, 4, 5]}})
    u = (np.arange(1000) + 0.5) / 1000
    points = space.from_unit(np.column_stack([u, u]))
    assert np.bincount([int(p["k"]) + 2 for p in points]).tolist() == [200] * 5
    assert np.bincount([int(p["c"]) - 1 for p in points]).tolist() == [200] * 5


unit_rows = st.lists(st.lists(st.floats(0, 1), min_size=5, max_size=5), min_size=1, max_size=8)


@given(unit_rows)
@settings(CALM)
def test_round_trips(rows: list[list[float]]) -> None:
    space = Space(MIXED)
    points = space.from_unit(rows)
    snapped = space.snap(rows)
    assert space.to_unit(points) == pytest.approx(snapped, abs=1e-12)
    assert space.snap(snapped) == pytest.approx(snapped, abs=1e-12)
    again = space.from_unit(space.to_unit(points))
    for before, after in zip(points, again, strict=True):
        assert space.complete(before) == before
        numbers = [name for name in before if name != "engine"]
        assert [before[name] for name in numbers] == pytest.approx([after[name] for name in numbers], rel=1e-12)
        assert [before[name] for name in ("n", "size", "engine")] == [after[name] for name in ("n", "size", "engine")]


bounds = st.tuples(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12)).filter(lambda pair: pair[0] < pair[1])


@given(bounds, st.floats(0, 1))
@settings(CALM)
def test_reals_stay_between_any_bounds(pair: tuple[float, float], u: float) -> None:
    space = Space({"x": {"low": pair[0], "high": pair[1]}})
    (point,) = space.from_unit([[u]])
    assert pair[0] <= point["x"] <= pair[1]  # type: ignore[operator]
    assert space.complete(point) == point


@given(st.integers(-(2**53), 2**53), st.integers(1, 1000), st.floats(0, 1))
@settings(CALM)
def test_integers_stay_between_any_bounds(low: int, span: int, u: float) -> None:
    high = min(low + span, 2**53)
    if low < high:
        (point,) = Space({"k": {"low": low, "high": high, "integer": True}}).from_unit([[u]])
        assert type(point["k"]) is int
        assert low <= point["k"] <= high


@given(st.integers(1, 300), st.integers(1, 300))
@settings(CALM)
def test_every_log_integer_is_reached_from_its_own_coordinate(low: int, span: int) -> None:
    space = Space({"k": {"low": low, "high": low + span, "integer": True, "log": True}})
    points = [{"k": k} for k in range(low, low + span + 1)]
    assert space.from_unit(space.to_unit(points)) == points


def test_dictionary_round_trip(mixed: Space) -> None:
    space = Space(MIXED, ["epsilon + n <= 120"])
    again = Space.from_dict(space.to_dict())
    assert again == space
    assert again != mixed
    assert again.A_unit == pytest.approx(space.A_unit)


def test_complete_adds_fixed_and_derived(mixed: Space) -> None:
    free = {"epsilon": 100, "cutoff": 1, "n": 12.0, "size": 10, "engine": "hoomd"}
    point = mixed.complete(free)
    assert point["half"] == 50
    assert point["quarter"] == 25
    assert point["particles"] == 864
    assert type(point["n"]) is int
    assert mixed.complete(point) == point


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epsilon": 300}, r"epsilon: 300 is given; allowed: numbers from 80.0 to 160.0 K"),
        ({"epsilon": math.nan}, r"epsilon: nan is given"),
        ({"epsilon": "wide"}, r"epsilon: 'wide' is given; allowed: numbers"),
        ({"epsilon": True}, r"epsilon: True is given; allowed: numbers"),
        ({"n": 9.5}, r"n: 9.5 is given; allowed: whole numbers from 8 to 14"),
        ({"engine": "gromacs"}, r"engine: 'gromacs' is given; allowed: 'lammps', 'hoomd', 'numba'"),
        ({"particles": 100}, r"particles: 100 is given, but it is 864"),
        ({"half": 1.0}, r"half: 1.0 is given, but it is 50.0"),
        ({"epsilom": 1.0}, r"'epsilom' is not a known parameter \(did you mean `epsilon`\?\)"),
        ({"cutoff": 10**400}, r"cutoff: 1000.* is given"),
    ],
)
def test_points_outside_are_refused(mixed: Space, change: Mapping[str, Any], message: str) -> None:
    free = {"epsilon": 100, "cutoff": 1, "n": 12, "size": 10, "engine": "hoomd"}
    with pytest.raises(SpaceError, match=message):
        mixed.complete({**free, **change})


def test_missing_parameter_is_named(mixed: Space) -> None:
    with pytest.raises(SpaceError, match="cutoff is missing in the point"):
        mixed.complete({"epsilon": 100})
    with pytest.raises(SpaceError, match="epsilon is missing"):
        mixed.to_unit([{}])


@pytest.mark.parametrize("U", [[[0.5]], [0.5] * 5, [[math.nan] * 5]])
def test_wrong_unit_coordinates_are_refused(mixed: Space, U: Any) -> None:
    with pytest.raises(SpaceError, match="unit coordinates"):
        mixed.from_unit(U)


def test_space_without_free_parameters() -> None:
    space = Space({"a": 1, "b": {"derived": "a + 1"}})
    assert space.dimension == 0
    assert space.from_unit(np.empty((2, 0))) == [{"a": 1, "b": 2.0}] * 2
    assert space.to_unit([{}]).shape == (1, 0)


class TestConstraints:
    def test_rows_by_hand(self) -> None:
        space = Space({"x": {"low": 1, "high": 3}, "y": {"low": 0, "high": 4}}, ["2*x + y <= 6"])
        # 2 (1 + 2 u) + 4 v <= 6, scaled to a largest coefficient of 1: u + v <= 1
        assert space.A_unit == pytest.approx(np.array([[1.0, 1.0]]))
        assert space.b_unit == pytest.approx([1.0])
        assert space.feasible([[0.5, 0.5], [0.6, 0.5]]).tolist() == [True, False]

    def test_no_constraints(self, mixed: Space) -> None:
        assert mixed.A_unit.shape == (0, 5)
        assert mixed.b_unit.shape == (0,)
        assert mixed.feasible(np.zeros((3, 5))).all()

    @pytest.mark.parametrize(
        ("text", "points"),
        [
            ("x >= y", [(2, 1, True), (1, 2, False), (1.5, 1.5, True)]),
            ("0.5 <= x - y <= 1", [(2, 1, True), (1, 1, False), (3, 1, False)]),
            ("3 >= x + (y - 1) / 2 - -1", [(1, 2, True), (2, 2, False)]),
            ("x + twice <= 5", [(1, 2, True), (2, 2, False)]),
            ("x <= limit * sqrt(4)", [(3, 0, False), (2, 0, True)]),
        ],
    )
    def test_texts(self, text: str, points: list[tuple[float, float, bool]]) -> None:
        parameters = {
            "x": {"low": 0, "high": 4}, "y": {"low": 0, "high": 4}, "twice": {"derived": "y * 2"}, "limit": 1,
        }  # fmt: skip
        space = Space(parameters, [text])
        U = space.to_unit([{"x": x, "y": y} for x, y, _ in points])
        assert space.feasible(U).tolist() == [allowed for _, _, allowed in points]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("x + y", "is not an inequality: write it with <= or >="),
            ("x < y", "must be written with <= or >="),
            ("x == y", "must be written with <= or >="),
            ("x * y <= 1", "`x \\* y` is not linear"),
            ("x ** 2 <= 1", "`x` may only be a number here"),
            ("sqrt(x) <= 1", "`x` may only be a number here"),
            ("1 / x <= 1", "`x` may only be a number here"),
            ("x / 0 <= 1", "divides by zero"),
            ("log_scale + x <= 1", "`x` cannot stand in a constraint beside a parameter on a log scale; allowed"),
            ("z <= 1", "'z' is not a known parameter"),
            ("word <= 1", "`word` cannot stand in a constraint; allowed: linear in parameters with a linear scale"),
            ("square <= 1", "`square` cannot stand in a constraint; allowed: linear"),
            ("1 <= 2", "holds always: no free parameter"),
            ("x - x >= 1", "holds never: no free parameter"),
            ("x <= -1", "`x <= -1` leave no point of the space"),
            ("x.y <= 1", "is not arithmetic"),
            ("x <= ", "is not arithmetic"),
            ("0 <= x - y <= 0", "without volume; write a parameter that the others determine as"),
        ],
    )
    def test_wrong_texts(self, text: str, message: str) -> None:
        parameters = {
            "x": {"low": 0, "high": 4}, "y": {"low": 0, "high": 4}, "log_scale": {"low": 1, "high": 4, "log": True},
            "word": {"choices": ["a", "b"]}, "square": {"derived": "x ** 2"},
        }  # fmt: skip
        with pytest.raises(InvalidSpace, match=message) as raised:
            Space(parameters, [text])
        assert raised.value.problems[0].place in ("constraints.0", "constraints")

    @pytest.mark.parametrize(
        ("parameters", "constraints"),
        [
            ({"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}}, ["x + y <= 1"]),
            ({"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}}, ["0 <= x - y <= 0.001"]),
            ({f"x{i}": {"low": 0, "high": 1} for i in range(8)}, [" + ".join(f"x{i}" for i in range(8)) + " <= 0.5"]),
            ({"j": {"low": 0, "high": 200, "integer": True}, "k": {"low": 0, "high": 200, "integer": True}},
             ["j + k <= 3"]),
            ({"j": {"low": 0, "high": 200, "integer": True}, "k": {"low": 0, "high": 200, "integer": True}},
             ["7 <= j + k <= 7"]),
            ({"j": {"low": 1, "high": 400, "integer": True}, "x": {"low": 0, "high": 1}, "c": {"choices": ["a", "b"]},
              "log_scale": {"low": 1, "high": 100, "log": True, "integer": True}}, ["j + 100 * x <= 4"]),
        ],
    )  # fmt: skip
    def test_samples_are_feasible_and_different(self, parameters: dict[str, Any], constraints: list[str]) -> None:
        space = Space(parameters, constraints)
        U = space.sample(40, np.random.default_rng(0))
        assert U.shape == (40, space.dimension)
        assert space.feasible(U).all()
        assert len(np.unique(U, axis=0)) >= 7
        assert (space.sample(40, np.random.default_rng(0)) == U).all()
        assert space.snap(U) == pytest.approx(U, abs=1e-12)

    @pytest.mark.validation
    def test_walk_is_uniform(self) -> None:
        """Mean of the simplex sum x <= s in d dimensions: s / (d + 1) for each coordinate."""
        d = 6
        names = [f"x{i}" for i in range(d)]
        space = Space({name: {"low": 0, "high": 1} for name in names}, [" + ".join(names) + " <= 0.3"])
        U = space.sample(1500, np.random.default_rng(1))
        standard_error = U.std() / math.sqrt(1500)
        assert U.mean(axis=0) == pytest.approx(0.3 / (d + 1), abs=6 * standard_error)

    @pytest.mark.validation
    def test_integer_walk_is_uniform(self) -> None:
        """The ten pairs of j + k <= 3 come equally often."""
        integer = {"low": 0, "high": 300, "integer": True}
        space = Space({"j": integer, "k": integer}, ["j + k <= 3"])
        points = space.from_unit(space.sample(2000, np.random.default_rng(2)))
        counts = [sum(p == {"j": j, "k": k} for p in points) for j in range(4) for k in range(4 - j)]
        assert sum(counts) == 2000
        assert counts == pytest.approx([200] * 10, abs=5 * math.sqrt(200))

    @given(st.lists(st.floats(-5, 5), min_size=2, max_size=2), st.floats(-3, 3), st.integers(0, 100))
    @settings(CALM, max_examples=40)
    def test_whatever_is_sampled_satisfies_the_constraint(self, a: list[float], b: float, seed: int) -> None:
        text = f"{a[0]!r} * x + {a[1]!r} * k <= {b!r}"
        parameters = {"x": {"low": -1, "high": 1}, "k": {"low": -3, "high": 3, "integer": True}}
        try:
            space = Space(parameters, [text])
        except InvalidSpace:
            return
        for point in space.from_unit(space.sample(5, np.random.default_rng(seed))):
            assert a[0] * float(point["x"]) + a[1] * float(point["k"]) <= b + 1e-7


class TestDerived:
    def test_of_derived_in_any_order(self) -> None:
        space = Space({"c": {"derived": "b + 1"}, "b": {"derived": "2 * a"}, "a": {"low": 0, "high": 1}})
        assert space.complete({"a": 0.5}) == {"c": 2.0, "b": 1.0, "a": 0.5}

    def test_of_numeric_choices(self) -> None:
        space = Space({"k": {"choices": [1, 2.5]}, "b": {"derived": "2 * k"}})
        assert space.complete({"k": 2.5})["b"] == 5.0

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"a": {"derived": "b"}, "b": {"derived": "a"}}, r"goes round in a circle: (a needs b|b needs a)"),
            ({"a": {"derived": "a + 1"}}, r"a.derived: goes round in a circle: a needs a"),
            ({"a": {"derived": "sigm"}, "sigma": 1.0}, r"a.derived: 'sigm' is not a known parameter \(did you mean"),
            ({"a": {"derived": "w + 1"}, "w": {"choices": ["x", "y"]}}, r"`w` is not a number; allowed: a"),
            ({"a": {"derived": "w + 1"}, "w": True}, r"`w` is not a number"),
        ],
    )
    def test_wrong_ones(self, parameters: dict[str, Any], message: str) -> None:
        with pytest.raises(InvalidSpace, match=message):
            Space(parameters)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("1 / x", "b: `1 / x` divides by zero at x = 0"),
            ("log(x)", "b: `log\\(x\\)` has no real value"),
            ("exp(1e6 * (x + 1))", "is too large"),
            ("1e308 * (x + 1) * 10", "is inf"),
            ("(x - 8) ** 0.5", "has no real value"),
            ("1 % x", "divides by zero"),
        ],
    )
    def test_no_value_at_a_point(self, text: str, message: str) -> None:
        space = Space({"x": {"low": 0, "high": 1}, "b": {"derived": text}})
        with pytest.raises(SpaceError, match=message):
            space.complete({"x": 0})
        with pytest.raises(SpaceError, match=message):
            space.from_unit([[0.0]])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-q / 2", -1.5), ("2 ** 3 ** 2", 512.0), ("q % 2", 1.0), ("min(q, 1, 2)", 1.0), ("max(q, 1)", 3.0),
        ("sqrt(q + 1) * cos(0)", 2.0), ("abs(-q) + +1", 4.0), ("floor(2.7) + ceil(2.2)", 5.0), ("log10(1e-3)", -3.0),
        ("sin(pi / 2)", 1.0), ("exp(log(q))", 3.0), ("tan(0)", 0.0), ("  q  ", 3.0), ("0x10 + 1_000", 1016.0),
    ],
)  # fmt: skip
def test_expressions(text: str, value: float) -> None:
    assert Expression(text)({"q": 3}) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "().__class__", "q.real", "q[0]", "__import__('os')", "open('x')", "eval('1')", "lambda: 1", "[q]", "(q, 1)",
        "{}", "'a' * 9", "q if q else 1", "q and 1", "not q", "~q", "q // 2", "q << 99", "q | 1", "q == 1", "q := 1",
        "sqrt", "1j", "True", "None", "...", "f'{q}'", "sqrt(q, q)", "min(q)", "sqrt(x=q)", "min(*q)", "abs()", "q; q",
        "q = 1", "", "  ", "import os", "1e999", "1" * 400, "9" * 999, "(" * 500 + "1" + ")" * 500, "-" * 300 + "1",
        "q +" * 100 + "q", "q" * 2000, "\x00", "await q", "yield", "sqrt(q)(q)", "print(q)",
    ],
)  # fmt: skip
def test_unsafe_or_meaningless_expressions_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(text)


@pytest.mark.parametrize("text", ["9 ** 9 ** 9 ** 9", "exp(exp(exp(9)))", "2.0 ** 1e300", "0 ** -1"])
def test_powers_neither_hang_nor_grow(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"too large|no real value"):
        Expression(text)({})


@given(st.text(max_size=60))
@settings(CALM, max_examples=300)
def test_any_text_gives_a_number_or_an_expression_error(text: str) -> None:
    try:
        expression = Expression(text)
        result = expression(dict.fromkeys(expression.names, 1.5))
    except ExpressionError:
        return
    assert isinstance(result, float)
    assert math.isfinite(result)


arithmetic = st.recursive(
    st.sampled_from(["x", "y", "2", "0.5", "pi"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda text: f"(-{text})"),
        st.tuples(st.sampled_from(["abs", "floor", "sin"]), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
    ),
    max_leaves=12,
)


@given(arithmetic, st.floats(0.1, 9), st.floats(0.1, 9))
@settings(CALM)
def test_the_interpreter_agrees_with_python(text: str, x: float, y: float) -> None:
    scope = {"x": x, "y": y, "pi": math.pi, "abs": abs, "floor": math.floor, "sin": math.sin}
    try:
        right = eval(text, {"__builtins__": {}}, scope)
    except ZeroDivisionError:
        with pytest.raises(ExpressionError, match="divides by zero"):
            Expression(text)({"x": x, "y": y})
    else:
        assert Expression(text)({"x": x, "y": y}) == right


@pytest.mark.parametrize(
    ("parameter", "place", "message"),
    [
        ({"low": 2, "high": 1}, "p.low", "2 is not below high = 1"),
        ({"low": 1, "high": 1}, "p.low", "1 is not below high"),
        ({"low": 0, "high": 1, "log": True}, "p.low", "with `log: true` it must be greater than 0"),
        ({"low": "a", "high": 1}, "p.low", "'a' is given, but it must be a valid number"),
        ({"low": True, "high": 2}, "p.low", "True is given, but it must be a valid number"),
        ({"low": math.nan, "high": 2}, "p.low", "nan is given, but it must be a finite number"),
        ({"low": 1}, "p.high", "is missing: upper bound"),
        ({"low": 1, "high": 2, "logg": True}, "p.logg", "did you mean `log`?"),
        ({"low": 1, "high": 2, "log": 1}, "p.log", "1 is given, but it must be a valid boolean"),
        ({"low": 1.5, "high": 2, "integer": True}, "p.low", "1.5 is given, but it must be a valid integer"),
        ({"low": 1, "high": 2, "integer": "yes"}, "p.integer", "'yes' is given, but it must be true or false"),
        ({"low": 1, "high": 2**60, "integer": True}, "p.high", "must be less than or equal to"),
        ({"low": -1e308, "high": 1e308}, "p.low", "too far apart"),
        ({"choices": []}, "p.choices", "has 0 choices; at least two"),
        ({"choices": ["a"]}, "p.choices", "has 1 choices"),
        ({"choices": ["a", "b", "a"]}, "p.choices", "'a' stands twice"),
        ({"choices": [1, True]}, "p.choices", "True stands twice"),
        ({"choices": "abc"}, "p.choices", "'abc' is given, but it must be a valid tuple"),
        ({"choices": [[1], [2]]}, "p.choices.0", "[1] is given, but it must be a valid"),
        ({"choices": [1, math.inf]}, "p.choices", "inf is given; only finite numbers"),
        ({"value": None}, "p.value", "None is given"),
        ({"value": math.nan}, "p.value", "nan is given; only finite numbers"),
        (None, "p.value", "None is given"),
        ([1, 2], "p.value", "[1, 2] is given"),
        ({}, "p", "is not a parameter; allowed: a range"),
        ({"hihg": 1}, "p.hihg", "'hihg' is not a known key (did you mean `high`?)"),
        ({"derived": 3, "value": 1}, "p.derived", "is not a known key"),
        ({"derived": "open('x')"}, "p.derived", "`open` is not a function here"),
        ({"derived": ["x"]}, "p.derived", "['x'] is given, but it must be a valid string"),
        ({"unit": 3, "low": 1, "high": 2}, "p.unit", "3 is given, but it must be a valid string"),
    ],
)
def test_wrong_parameters(parameter: Any, place: str, message: str) -> None:
    with pytest.raises(InvalidSpace) as raised:
        Space({"p": parameter})
    assert place in [problem.place for problem in raised.value.problems]
    assert message in str(raised.value)


@pytest.mark.parametrize("name", ["two words", "1st", "lambda", "sqrt", "pi", "", "a-b", 3, None, "x.y"])
def test_wrong_names(name: Any) -> None:
    with pytest.raises(InvalidSpace, match=r"is not a name|word of Python|name of a function"):
        Space({name: {"low": 0, "high": 1}})


def test_all_problems_at_once() -> None:
    with pytest.raises(InvalidSpace) as raised:
        Space({"a": {"low": 2, "high": 1}, "b": {"choices": []}, "if": 1})
    assert [problem.place for problem in raised.value.problems] == ["a.low", "b.choices", "if"]


def outside_the_disc(point):
    return "outside the disc" if (point["x"] - 0.5) ** 2 + (point["y"] - 0.5) ** 2 > 0.2**2 else None


@pytest.mark.parametrize("constraints", [(), ("x + y <= 1",)])
def test_refused_points_are_not_feasible(constraints):
    space = Space({"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}}, constraints)
    refusing = space.refusing(outside_the_disc)
    U = space.sample(500, np.random.default_rng(1))
    inside = np.array([outside_the_disc(point) is None for point in space.from_unit(U)])
    assert 0 < inside.sum() < 500
    np.testing.assert_array_equal(refusing.feasible(U), inside)
    assert space.feasible(U).all()  # the space itself is as it was
    sampled = refusing.sample(200, np.random.default_rng(2))
    assert len(sampled) == 200
    assert refusing.feasible(sampled).all()


@pytest.mark.parametrize("constraints", [(), ("x + y <= 0.02",)])
def test_where_nearly_everything_is_refused_all_points_are_feasible(constraints):
    """A disc of a thousandth of the area is found by a few of the points that are tried; the others lie beside them."""
    space = Space({"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}}, constraints)
    centre, radius = ((0.006, 0.006), 0.01) if constraints else ((0.3, 0.6), 0.02)
    refusing = space.refusing(lambda p: None if math.dist((p["x"], p["y"]), centre) < radius else "outside")
    for seed in range(5):
        U = refusing.sample(100, np.random.default_rng(seed))
        assert len(U) == 100
        assert refusing.feasible(U).all(), seed
        assert len(np.unique(U, axis=0)) > 50


def test_where_everything_is_refused_points_come_all_the_same():
    space = Space({"x": {"low": 0, "high": 1}}).refusing(lambda point: "never")
    assert space.sample(3, np.random.default_rng(0)).shape == (3, 1)
