"""Inequalities between parameters, read from text: linear, or monomials on log scales, which are linear in logarithms.

    2 x + y <= 3                        2 x + y - 3 <= 0
    c x**a y**b <= c' z, c, c' > 0      ln c + a ln x + b ln y - ln c' - ln z <= 0

A parameter stands for itself where its scale is linear, and for its logarithm where it is on a log scale; no inequality
holds parameters of both kinds.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass

from softal.kinds.validation import unknown
from softal.space.expressions import Expression, ExpressionError, Linear, constraint_forms
from softal.space.parameters import Choice, Fixed, Integer, Parameter, Real

ALLOWED = (
    "linear in parameters with a linear scale, or products and powers of parameters on log scales, "
    "as in `2*x + y <= 3` or `k2 <= 4*k1`"
)


@dataclass(frozen=True)
class Forms:
    """What may stand in a constraint, by name.

    Attributes:
        parameters: all of the space.
        linear: forms of what is linear in parameters with a linear scale; numbers are among them.
        logarithms: forms of the logarithms of monomials of parameters on log scales.
    """

    parameters: Mapping[str, Parameter]
    linear: dict[str, Linear]
    logarithms: dict[str, Linear]

    @classmethod
    def of(cls, parameters: Mapping[str, Parameter], derived: Mapping[str, Expression]) -> Forms:
        """Return the forms of parameters, and of what is derived from them, in the order of calculation."""
        forms = cls(parameters, {}, {})
        for name, parameter in parameters.items():
            if isinstance(parameter, Real | Integer):
                (forms.logarithms if parameter.log else forms.linear)[name] = Linear({name: 1.0})
            elif isinstance(parameter, Fixed) and is_number(parameter):
                forms.linear[name] = Linear({}, float(parameter.value))
        for name, expression in derived.items():
            forms._add(name, expression)
        return forms

    @property
    def numbers(self) -> dict[str, float]:
        """What does not depend on any free parameter."""
        return {name: form.constant for name, form in self.linear.items() if form.is_constant}

    def differences(self, text: str) -> list[Linear]:
        """Return smaller - larger of each inequality in `text`, or the difference of their logarithms: <= 0.

        Raises:
            ExpressionError: it is no inequality of an allowed kind.
        """
        differences = []
        for pair in constraint_forms(text):
            names = pair[0].names | pair[1].names
            smaller, larger = (self._form(side, bool(names & self.logarithms.keys())) for side in pair)
            differences.append(smaller.plus(larger, -1.0))
        return differences

    def _add(self, name: str, expression: Expression) -> None:
        """Take in what is derived, if it is of an allowed kind; else a constraint that names it says so."""
        on_logs = bool(expression.names & self.logarithms.keys())
        try:
            form = self._form(expression, on_logs)
        except ExpressionError:
            return
        (self.logarithms if on_logs else self.linear)[name] = form

    def _form(self, expression: Expression, on_logs: bool) -> Linear:
        allowed = {**self.logarithms, **self.numbers} if on_logs else self.linear
        for name in sorted(expression.names - allowed.keys()):
            if name not in self.parameters:
                raise ExpressionError(unknown(name, {**self.linear, **self.logarithms}, "parameter"))
            beside = " beside a parameter on a log scale" if name in self.linear else ""
            raise ExpressionError(f"`{name}` cannot stand in a constraint{beside}; allowed: {ALLOWED}")
        return self._logarithm(expression.tree) if on_logs else expression.linear(self.linear)

    def _logarithm(self, node: ast.expr) -> Linear:
        """Return the logarithm of a monomial as a linear form in the logarithms of its parameters."""
        part = Expression(ast.unparse(node))
        if part.names <= self.numbers.keys():
            return Linear({}, math.log(self._positive(part)))
        match node:
            case ast.Name(id=name):
                return self.logarithms[name]
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._logarithm(operand)
            case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as op, right=right):
                sign = 1.0 if isinstance(op, ast.Mult) else -1.0
                return self._logarithm(left).plus(self._logarithm(right), sign)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._logarithm(left).times(self._exponent(right))
            case ast.Call(func=ast.Name(id="sqrt"), args=[inner]):
                return self._logarithm(inner).times(0.5)
        raise ExpressionError(f"`{part.text}` is no product of powers; allowed: {ALLOWED}")

    def _positive(self, number: Expression) -> float:
        value = number(self.numbers)
        if value <= 0:
            raise ExpressionError(
                f"`{number.text}` is {value:.12g}, but parameters on log scales are positive; allowed beside them are "
                "numbers above 0"
            )
        return value

    def _exponent(self, node: ast.expr) -> float:
        exponent = Expression(ast.unparse(node))
        for name in sorted(exponent.names - self.numbers.keys()):
            raise ExpressionError(
                f"`{name}` stands in an exponent, where only numbers and fixed parameters are allowed"
            )
        return exponent(self.numbers)


def is_number(parameter: Parameter) -> bool:
    """Return whether a parameter is a number at every point."""
    values = (
        parameter.choices
        if isinstance(parameter, Choice)
        else ((parameter.value,) if isinstance(parameter, Fixed) else ())
    )
    return not any(isinstance(value, bool | str) for value in values)
