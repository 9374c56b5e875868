"""The arithmetic that a model may ask for, read by our own rules and never evaluated as code."""

import ast
import math
import operator
from collections.abc import Callable

_LONGEST = 200  # letters
_LARGEST = 1e12
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {"min": min, "max": max, "round": lambda x, n=0: round(x, int(n))}


def calculate(expression: str) -> float:
    """The value of + - * / % ** and brackets over numbers, with min, max and round.

    Raises ValueError, with a sentence a model can act on, for everything else and for results beyond a trillion.
    """
    if len(expression) > _LONGEST:
        raise ValueError(f"The expression is longer than {_LONGEST} letters.")
    unreadable = "This is not arithmetic that can be read."
    try:
        tree = ast.parse(expression.strip().replace("$", "").replace("^", "**"), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # ValueError: a null byte, before 3.11.4
        raise ValueError(unreadable) from error
    try:
        return _value(tree.body)
    except RecursionError as error:
        raise ValueError(unreadable) from error
    except (ArithmeticError, TypeError) as error:
        raise ValueError(f"This can't be calculated: {error}.") from error


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return _bounded(number)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            one, other = _value(left), _value(right)
            if isinstance(sign, ast.Pow) and abs(other) > 10:
                raise ValueError("Powers above 10 are not calculated.")
            return _bounded(_OPERATORS[type(sign)](one, other))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS and arguments:
            return _bounded(_FUNCTIONS[name](*(_value(argument) for argument in arguments)))
    raise ValueError("Only numbers, + - * / % **, brackets, min, max and round can be calculated.")


def _bounded(value: float) -> float:
    if isinstance(value, complex) or not math.isfinite(value) or abs(value) > _LARGEST:
        raise ValueError("The result is too large.")
    return float(value)
