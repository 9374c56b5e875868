"""What may a prompt template do? Show values, choose and repeat; nothing that could hang, grow or reach out.

Jinja2's sandbox keeps a template from reaching Python's insides, but not from running for hours. So the language is cut
down to what always ends quickly: loops only over the lists that a prompt gets (50 entries at most), two deep at most,
no calls, no assignments, no text arithmetic, and attributes only of mappings. What is left is checked when a prompt is
saved, and cut off at MAX_RENDERED letters when it is rendered.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.runtime import LoopContext
from jinja2.sandbox import SandboxedEnvironment

from db.errors import UserError

MAX_TEMPLATE = 20_000  # letters of a template
MAX_RENDERED = 400_000  # letters of one rendered prompt; beyond the context of any model we know
MAX_DEPTH = 2  # loops inside one another
LISTS = ("examples", "neighbours")
"""What a template may loop over."""

_LOOP_WORDS = {"index", "index0", "revindex", "first", "last", "length"}
_FILTERS = (
    "abs", "capitalize", "count", "default", "d", "first", "float", "int", "join", "last", "length", "lower", "reverse",
    "string", "title", "trim", "truncate", "upper", "wordcount",
)  # fmt: skip
_TESTS = ("defined", "undefined", "none", "number", "string", "even", "odd", "eq", "ne", "lt", "le", "gt", "ge", "in")
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.Slice, nodes.For, nodes.If, nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.Keyword,
)  # fmt: skip
_WORDS: dict[type[nodes.Node], str] = {
    nodes.Call: "call functions",
    nodes.Assign: "set variables",
    nodes.AssignBlock: "set variables",
    nodes.Concat: "join texts with ~; write them one after another",
    nodes.Pow: "use powers",
    nodes.Mod: "use %",
    nodes.List: "make lists",
    nodes.Macro: "define macros",
    nodes.Include: "include other templates",
    nodes.Import: "import other templates",
    nodes.FromImport: "import other templates",
    nodes.Extends: "extend other templates",
}


class Language(SandboxedEnvironment):
    """The template language. Unknown names are errors; nothing is escaped, because a prompt is not HTML."""

    intercepted_binops = frozenset({"+", "-", "*", "/"})

    def __init__(self) -> None:
        super().__init__(
            autoescape=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        filters: dict[str, Callable[..., Any]] = {name: self.filters[name] for name in _FILTERS}
        self.filters = filters | {"dollars": dollars, "round": _rounded, "tojson": _as_json}
        self.tests = {name: self.tests[name] for name in _TESTS}
        self.globals = {}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP_WORDS:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Entries of mappings, and places and slices of lists: attributes of Python objects are never looked up."""
        if isinstance(obj, Mapping):
            return obj[argument] if argument in obj else self.undefined(obj=obj, name=argument)
        if isinstance(obj, (list, tuple, str)) and isinstance(argument, (int, slice)):
            try:
                return obj[argument]
            except IndexError:
                pass
        return self.undefined(obj=obj, name=argument)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if not all(isinstance(side, (int, float)) for side in (left, right)):
            raise UserError(f"A prompt can use {operator} only between numbers.")
        return super().call_binop(context, operator, left, right)


def dollars(price: float) -> str:
    """Whole dollars, at least 1: "1299"."""
    return str(max(1, round(price)))


def _rounded(value: float, places: int = 0) -> float:
    return round(float(value), min(6, max(0, int(places))))


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def parse(language: Language, text: str) -> nodes.Template:
    """The syntax tree of a template. Raises UserError, in one sentence, for what a prompt can't do."""
    if len(text) > MAX_TEMPLATE:
        raise UserError(f"A prompt has at most {MAX_TEMPLATE:,} letters; this one has {len(text):,}.")
    try:
        tree = language.parse(text)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise UserError(f"The prompt can't be read{f' in line {line}' if line else ''}: {error.message}") from error
    except RecursionError as error:
        raise UserError("The prompt is nested too deeply.") from error
    _allow(tree, 0)
    return tree


def _allow(node: nodes.Node, depth: int) -> None:
    if not isinstance(node, _ALLOWED):
        what = _WORDS.get(type(node), f"use {type(node).__name__.lower()}")
        raise UserError(f"Line {node.lineno} of the prompt: a prompt can't {what}.")
    if isinstance(node, nodes.For):
        depth += 1
        if node.recursive or depth > MAX_DEPTH or not _is_list(node.iter):
            raise UserError(
                f"Line {node.lineno} of the prompt: loops go over {' or '.join(LISTS)}, at most {MAX_DEPTH} deep."
            )
        if not isinstance(node.target, nodes.Name) or node.target.name in LISTS:
            raise UserError(f"Line {node.lineno} of the prompt: a loop gives its entries one new name.")
    for child in node.iter_child_nodes():
        _allow(child, depth)


def _is_list(node: nodes.Node) -> bool:
    """examples, neighbours, and both sliced or turned round."""
    if isinstance(node, nodes.Filter) and node.name == "reverse" and node.node is not None:
        return _is_list(node.node)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
        return _is_list(node.node)
    return isinstance(node, nodes.Name) and node.name in LISTS
