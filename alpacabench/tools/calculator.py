"""Arithmetic, exactly as written: no names but functions and constants, and no number that grows without bound."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from alpacabench.tools.base import Row, Tool, ToolError

Number = int | float

MOST_CHARACTERS = 1_000
MOST_DEPTH = 50
MOST_BITS = 4_096
"""Of a whole number: 9**9**9 has 1.2 billion."""
MOST_FACTORIAL = 500

_OPERATORS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
}  # fmt: skip
_SIGNS: Mapping[type[ast.AST], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs, "round": round, "min": min, "max": max, "sqrt": math.sqrt, "exp": math.exp, "log": math.log,
    "log10": math.log10, "log2": math.log2, "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin,
    "acos": math.acos, "atan": math.atan, "floor": math.floor, "ceil": math.ceil, "factorial": math.factorial,
    "gcd": math.gcd, "hypot": math.hypot, "radians": math.radians, "degrees": math.degrees,
}  # fmt: skip


class Calculator(Tool):
    """Evaluates one expression."""

    name: ClassVar[str] = "calculator"
    description: ClassVar[str] = (
        "Evaluate an arithmetic expression and return the number. Operators: + - * / // % ** and parentheses. "
        f"Functions: {', '.join(_FUNCTIONS)}. Constants: {', '.join(_CONSTANTS)}."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"expression": {"type": "string", "description": "for example (3 + 4) * 2"}},
        "required": ["expression"],
        "additionalProperties": False,
    }
    repeatable: ClassVar[bool] = True

    def call(self, arguments: dict[str, Any], row: Row) -> Number:
        """Return the value.

        Raises:
            ToolError: it is no expression, or its value is none that can be told.

        """
        return evaluate(arguments["expression"])


def evaluate(expression: str) -> Number:
    """Return the value of an expression; `^` is a power, as on calculators.

    Raises:
        ToolError: it is none, or its value is none that can be told.

    """
    if len(expression) > MOST_CHARACTERS:
        raise ToolError(f"the expression is longer than {MOST_CHARACTERS} characters")
    text = expression.strip().replace("^", "**").replace("×", "*").replace("÷", "/").replace("−", "-")
    try:
        value = _value(ast.parse(text, mode="eval").body, 0)
    except (SyntaxError, RecursionError, MemoryError):
        raise ToolError("this is no arithmetic expression") from None
    except ZeroDivisionError:
        raise ToolError("division by zero") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise ToolError(str(error) or type(error).__name__) from None
    return _told(value)


def _value(node: ast.AST, depth: int) -> Number:
    if depth > MOST_DEPTH:
        raise ToolError("the expression is nested too deeply")
    match node:
        case ast.Constant(value=bool()):
            raise ToolError("only numbers can be calculated with")
        case ast.Constant(value=int() | float() as value):
            return _bounded(value)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _binary(op, _value(left, depth + 1), _value(right, depth + 1))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _SIGNS:
            return _bounded(_SIGNS[type(op)](_value(operand, depth + 1)))
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in _FUNCTIONS:
            values = [_value(value, depth + 1) for value in given]
            if name == "factorial" and values and values[0] > MOST_FACTORIAL:
                raise ToolError(f"no factorial above {MOST_FACTORIAL}")
            return _bounded(_FUNCTIONS[name](*values))
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
            known = ", ".join([*_FUNCTIONS, *_CONSTANTS])
            raise ToolError(f"'{name}' is not known; known: {known}")
    raise ToolError("only numbers, operators, functions and parentheses can stand in an expression")


def _binary(op: ast.operator, left: Number, right: Number) -> Number:
    # Before it is computed: a power of two small numbers may fill the memory.
    if isinstance(op, ast.Pow) and isinstance(left, int) and isinstance(right, int):
        if abs(left) > 1 and right * left.bit_length() > MOST_BITS:
            raise ToolError(f"the power has more than {MOST_BITS} bits")
        if abs(left) > 1 and -right * left.bit_length() > MOST_BITS:
            return 0.0
    return _bounded(_OPERATORS[type(op)](left, right))


def _bounded(value: Any) -> Number:
    if isinstance(value, complex):
        raise ToolError("the value is no real number")
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise ToolError(f"a number has more than {MOST_BITS} bits")
    if not isinstance(value, int | float):
        raise ToolError("the value is no number")
    return value


def _told(value: Number) -> Number:
    """Return a value as JSON holds it; 6.0 is 6, and what rounding left behind the fifteenth digit is dropped."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ToolError("the value is not finite")
        value = float(f"{value:.15g}")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value
