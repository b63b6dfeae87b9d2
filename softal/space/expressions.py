"""Safe arithmetic on parameters: derived parameters (`-q_si / 2`) and linear constraints (`2*x + y <= 3`).

The text is parsed with `ast` and interpreted here, node by node: numbers, names, + - * / ** %, and the functions in
`FUNCTIONS`. Nothing is ever passed to `eval`. Every number is a float, so no power can grow without bound or hang.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, TypeVar

import numpy as np

from softal.errors import SpaceError
from softal.numeric import Floats

T = TypeVar("T")

MAX_LENGTH = 1000  # characters: far more than a formula needs, far less than what slows the parser
MAX_DEPTH = 60  # nested operations: keeps the interpreter away from Python's recursion limit

CONSTANTS: dict[str, float] = {"pi": math.pi}
ONE_ARGUMENT: dict[str, Callable[[float], float]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
}
MANY_ARGUMENTS: dict[str, Callable[..., float]] = {"min": min, "max": max}
FUNCTIONS: dict[str, Callable[..., float]] = {**ONE_ARGUMENT, **MANY_ARGUMENTS}
RESERVED = frozenset(FUNCTIONS) | frozenset(CONSTANTS)  # a parameter cannot have these names

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: math.pow,  # not `**`, which gives a complex number for (-8) ** 0.5
}
_UNARY: dict[type[ast.unaryop], Callable[[float], float]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
_ALLOWED = "numbers, parameters, + - * / ** %, parentheses, pi, " + ", ".join(FUNCTIONS)


class ExpressionError(SpaceError):
    """An expression that cannot be read, or that has no value at some point."""


@dataclass(frozen=True)
class Linear:
    """A linear form: sum of coefficients[name] * name, plus `constant`."""

    coefficients: dict[str, float] = field(default_factory=dict)
    constant: float = 0.0

    def plus(self, other: Linear, scale: float = 1.0) -> Linear:
        """Return self + scale * other."""
        names = [*self.coefficients, *(name for name in other.coefficients if name not in self.coefficients)]
        summed = {name: self.coefficients.get(name, 0.0) + scale * other.coefficients.get(name, 0.0) for name in names}
        return Linear(summed, self.constant + scale * other.constant)

    def times(self, scale: float) -> Linear:
        """Return scale * self."""
        return Linear().plus(self, scale)

    @property
    def is_constant(self) -> bool:
        """Whether no parameter is left in it."""
        return not any(self.coefficients.values())


class Expression:
    """An arithmetic expression over parameters.

    Args:
        text: for example `-q_si / 2` or `sqrt(epsilon) * max(a, b)`.

    Raises:
        ExpressionError: it is not arithmetic; the message says what is allowed.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = _check(_parse(text))
        self.names = _names_in(self.tree)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __call__(self, values: Mapping[str, float]) -> float:
        """Return its value where the parameters have `values`.

        Raises:
            ExpressionError: no finite value there (division by zero, root of a negative number, overflow).
        """
        result = _guarded(lambda: _evaluate(self.tree, values), self.text, values, self.names)
        if not math.isfinite(result):
            raise ExpressionError(f"`{self.text}` is {result} {_where(values, self.names)}")
        return result

    def on(self, columns: Mapping[str, Floats]) -> Floats:
        """Return its values (n,) where the parameters have `columns` (n,); NaN or infinite where it has none."""
        with np.errstate(all="ignore"):
            return np.asarray(_evaluate_on(self.tree, columns), dtype=np.float64)

    def linear(self, forms: Mapping[str, Linear]) -> Linear:
        """Return it as a linear form, where each name stands for a linear form itself.

        Raises:
            ExpressionError: it is not linear in them.
        """
        return _guarded(lambda: _linear(self.tree, forms), self.text, {}, frozenset())


def constraint_forms(text: str) -> list[tuple[Expression, Expression]]:
    """Split `a <= b` or `b >= a`, also chained (`0 <= x + y <= 1`), into pairs (smaller, larger).

    Raises:
        ExpressionError: it is not an inequality with <= or >=.
    """
    tree = _parse(text)
    if not isinstance(tree, ast.Compare):
        raise ExpressionError(f"`{text}` is not an inequality: write it with <= or >=, as in `2*x + y <= 3`")
    sides = [Expression(ast.unparse(side)) for side in (tree.left, *tree.comparators)]
    pairs = []
    for left, sign, right in zip(sides[:-1], tree.ops, sides[1:], strict=True):
        if not isinstance(sign, ast.LtE | ast.GtE):
            raise ExpressionError(f"`{text}` must be written with <= or >= (an equality is a derived parameter)")
        pairs.append((left, right) if isinstance(sign, ast.LtE) else (right, left))
    return pairs


def _parse(text: str) -> ast.expr:
    if not text.strip():
        raise ExpressionError(f"the expression is empty; allowed: {_ALLOWED}")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError(f"`{text}` is not arithmetic: {_syntax(error)}; allowed: {_ALLOWED}") from None
    if _depth(tree) > MAX_DEPTH:
        raise ExpressionError(f"the expression is nested {_depth(tree)} deep; at most {MAX_DEPTH} is allowed")
    return tree


def _syntax(error: BaseException) -> str:
    return error.msg if isinstance(error, SyntaxError) and error.msg else (str(error) or "nested too deep")


def _depth(tree: ast.AST) -> int:
    """Count the levels without recursion, since a deep tree is what this looks for."""
    level: list[ast.AST] = [tree]
    depth = 0
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return depth


def _check(node: ast.expr) -> ast.expr:
    """Return the node if everything in it is allowed."""
    for child in _operands(node):
        _check(child)
    return node


def _operands(node: ast.expr) -> Iterator[ast.expr]:
    """Return what a node works on; the only place that decides what is allowed."""
    match node:
        case ast.Constant(value=bool()) | ast.Constant(value=complex()):
            raise ExpressionError(f"`{ast.unparse(node)}` is not a real number; allowed: {_ALLOWED}")
        case ast.Constant(value=int() | float()):
            _number(node)
            return iter(())
        case ast.Name():
            if node.id in FUNCTIONS:
                raise ExpressionError(f"`{node.id}` is a function: write `{node.id}(...)`")
            return iter(())
        case ast.BinOp() if type(node.op) in _BINARY:
            return iter((node.left, node.right))
        case ast.UnaryOp() if type(node.op) in _UNARY:
            return iter((node.operand,))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            many = name in MANY_ARGUMENTS
            if (len(arguments) < 2) if many else (len(arguments) != 1):
                raise ExpressionError(f"`{name}` takes {'two or more numbers' if many else 'one number'}")
            return iter(arguments)
        case ast.Call():
            raise ExpressionError(f"`{ast.unparse(node.func)}` is not a function here; allowed: {', '.join(FUNCTIONS)}")
        case _:
            raise ExpressionError(f"`{ast.unparse(node)}` is not arithmetic; allowed: {_ALLOWED}")


def _number(node: ast.Constant) -> float:
    try:
        value = float(node.value)  # type: ignore[arg-type]
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ExpressionError("a number in the expression is too large; at most 1.8e308 is allowed")
    return value


def _names_in(tree: ast.expr) -> frozenset[str]:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}
    return frozenset(names - set(CONSTANTS))


def _evaluate(node: ast.expr, values: Mapping[str, float]) -> float:
    match node:
        case ast.Constant():
            return _number(node)
        case ast.Name(id=name):
            return CONSTANTS[name] if name in CONSTANTS else float(values[name])
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_evaluate(left, values), _evaluate(right, values))
        case ast.UnaryOp(op=sign, operand=operand):
            return _UNARY[type(sign)](_evaluate(operand, values))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return float(FUNCTIONS[name](*(_evaluate(argument, values) for argument in arguments)))
    raise AssertionError(f"{ast.dump(node)} passed the check")  # pragma: no cover


def _evaluate_on(node: ast.expr, columns: Mapping[str, Floats]) -> Any:
    match node:
        case ast.Constant():
            return np.float64(_number(node))
        case ast.Name(id=name):
            return np.float64(CONSTANTS[name]) if name in CONSTANTS else columns[name]
        case ast.BinOp(left=left, op=op, right=right):
            first, second = _evaluate_on(left, columns), _evaluate_on(right, columns)
            return np.power(first, second) if isinstance(op, ast.Pow) else _BINARY[type(op)](first, second)
        case ast.UnaryOp(op=sign, operand=operand):
            return _UNARY[type(sign)](_evaluate_on(operand, columns))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            found = [_evaluate_on(argument, columns) for argument in arguments]
            if name in MANY_ARGUMENTS:
                return reduce(np.minimum if name == "min" else np.maximum, found)
            return getattr(np, name)(*found)  # numpy's functions of one number have the same names
    raise AssertionError(f"{ast.dump(node)} passed the check")  # pragma: no cover


def _linear(node: ast.expr, forms: Mapping[str, Linear]) -> Linear:
    match node:
        case ast.Name(id=name) if name not in CONSTANTS:
            return forms[name]
        case ast.UnaryOp(op=sign, operand=operand):
            return _linear(operand, forms).times(_UNARY[type(sign)](1.0))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            return _linear(left, forms).plus(_linear(right, forms), _BINARY[type(op)](0.0, 1.0))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _product(_linear(left, forms), _linear(right, forms), node)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _linear(left, forms).times(1.0 / _constant(right, forms))
        case ast.BinOp(left=left, op=op, right=right):
            return Linear({}, _BINARY[type(op)](_constant(left, forms), _constant(right, forms)))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return Linear({}, float(FUNCTIONS[name](*(_constant(argument, forms) for argument in arguments))))
    return Linear({}, _evaluate(node, {}))


def _product(left: Linear, right: Linear, node: ast.expr) -> Linear:
    if left.is_constant:
        return right.times(left.constant)
    if right.is_constant:
        return left.times(right.constant)
    raise ExpressionError(f"`{ast.unparse(node)}` is not linear")


def _constant(node: ast.expr, forms: Mapping[str, Linear]) -> float:
    form = _linear(node, forms)
    if not form.is_constant:
        raise ExpressionError(f"`{ast.unparse(node)}` may only be a number here, since a constraint must be linear")
    return form.constant


def _guarded(compute: Callable[[], T], text: str, values: Mapping[str, float], names: frozenset[str]) -> T:
    try:
        return compute()
    except ZeroDivisionError:
        reason = "divides by zero"
    except OverflowError:
        reason = "is too large"
    except ValueError:
        reason = "has no real value (a root or logarithm of a negative number)"
    raise ExpressionError(f"`{text}` {reason} {_where(values, names)}".rstrip())


def _where(values: Mapping[str, float], names: frozenset[str]) -> str:
    return ("at " + ", ".join(f"{name} = {values[name]}" for name in sorted(names))) if names else ""
