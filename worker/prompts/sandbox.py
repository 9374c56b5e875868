"""What a prompt template may do: show values, choose and repeat; nothing that could hang, grow or reach out.

Jinja2's sandbox keeps a template from reaching Python's insides, but not from running for hours. So the language is cut
down to what always ends quickly: loops only over the lists that a prompt gets (50 entries at most), two deep at most,
no calls, no assignments, no text arithmetic, and attributes only of mappings. That is checked when a prompt is saved,
and so is how deep it is nested and how many steps it can take at most. What filters make is measured before it is made
where it may be many times what they get; no text in between, and not all that filters get and make together, may be
longer than a prompt is worth.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import SandboxedEnvironment

from db.errors import UserError
from worker.specs.price_bounds import USUAL, Bounds

MAX_TEMPLATE = 20_000  # letters of a template
MAX_RENDERED = 400_000  # letters of one rendered prompt; beyond the context of any model we know
MAX_DEPTH = 2  # loops inside one another
MAX_NESTING = 40  # of anything; Jinja2 and Python's own compiler need a stack that grows with it
MAX_STEPS = 100_000  # parts of a template times how often each is looked at
MAX_WORK = 10 * MAX_RENDERED  # letters that all filters of one rendering get and make
MAX_BITS = 256  # of a whole number that is calculated with; a text can be read as one of any length
ENTRIES = 50  # of a list, at most
LISTS = ("examples", "neighbours")
"""What a template may loop over."""

_LOOP_WORDS = {"index", "index0", "revindex", "first", "last", "length"}
_FILTERS = (
    "abs", "capitalize", "count", "default", "d", "float", "int", "length", "lower", "reverse", "string", "title",
    "trim", "upper", "wordcount",
)  # fmt: skip
_FILTERS_WITH_LANGUAGE = ("first", "last", "truncate")
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
        filters |= {name: partial(self.filters[name], self) for name in _FILTERS_WITH_LANGUAGE}
        filters |= {"dollars": _dollars, "round": _rounded, "tojson": _as_json, "join": _joined}
        self.filters = {name: _measured(made) for name, made in filters.items()}
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
        if any(isinstance(side, int) and side.bit_length() > MAX_BITS for side in (left, right)):
            raise UserError("A number in the prompt is too large to calculate with.")
        return super().call_binop(context, operator, left, right)


@pass_context
def _dollars(context: Context, price: float) -> str:
    """A price as the model shall say one: "1299", or "4.99" where its bounds have cents; never 0."""
    bounds: Bounds = context.parent.get(BOUNDS, USUAL)
    return bounds.spell(price)


BOUNDS = " bounds"
"""Where a rendering's values hold what the model may say: no template can say this name."""


def _rounded(value: float, places: int = 0) -> float:
    return round(float(value), min(6, max(0, int(places))))


_JSON = json.JSONEncoder(ensure_ascii=False)


def _as_json(value: Any) -> str:
    return _gathered(_JSON.iterencode(value))


def _joined(value: Iterable[Any], between: str = "", attribute: str | None = None) -> str:
    entries = value if attribute is None else (entry[attribute] for entry in value)
    separator = str(between)
    return _gathered(f"{separator * (i > 0)}{entry}" for i, entry in enumerate(entries))


def _gathered(parts: Iterable[str]) -> str:
    """The parts as one text; given up before it is longer than a prompt may be."""
    kept: list[str] = []
    letters = 0
    for part in parts:
        letters += len(part)
        if letters > MAX_RENDERED:
            raise _too_long()
        kept.append(part)
    return "".join(kept)


def _too_long() -> UserError:
    return UserError(f"The prompt makes a text of more than {MAX_RENDERED:,} letters.")


class Work:
    """How many letters the filters of one rendering got and made."""

    NAME = " work"
    """Where a rendering's values hold it: no template can say this name."""

    def __init__(self) -> None:
        self._letters = 0

    def add(self, letters: int) -> None:
        self._letters += 1 + letters
        if self._letters > MAX_WORK:
            raise UserError(f"The prompt's filters go through more than {MAX_WORK:,} letters.")


def _measured(made: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that stays within what one rendering may take. It asks for the context also because Jinja2 computes
    others when it compiles, where nothing would be counted."""

    @pass_context
    def measured(context: Context, value: Any, *others: Any, **named: Any) -> Any:
        work: Work = context.parent[Work.NAME]
        work.add(_letters([value, *others, *named.values()]))
        result = made(context, value) if made is _dollars else made(value, *others, **named)
        if isinstance(result, str):
            if len(result) > MAX_RENDERED:
                raise _too_long()
            work.add(len(result))
        return result

    return measured


def _letters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_letters(inner) for inner in value.values())
    return sum(_letters(inner) for inner in value) if isinstance(value, (list, tuple)) else 1


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
    except BREAKING as error:
        raise UserError(f"The prompt can't be read: {reason(error)}.") from error
    if _allow(tree, 0, 0) > MAX_STEPS:
        raise UserError(f"The prompt can take more than {MAX_STEPS:,} steps: put less into its loops.")
    return tree


BREAKING = (SyntaxError, AssertionError, NameError, ValueError, ArithmeticError, RecursionError, MemoryError)
"""What Jinja2 and Python's compiler raise for templates that they did not expect."""


def reason(error: BaseException) -> str:
    """Why a template failed, in a few words, on one line, without a full stop."""
    if isinstance(error, MemoryError):
        return "it needs too much memory"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return " ".join(message.split()).rstrip(".")[:200] or "it is none that Jinja2 knows"


def _allow(node: nodes.Node, depth: int, nesting: int) -> int:
    """How many steps the node takes at most. Raises UserError for what it may not be."""
    if nesting > MAX_NESTING:
        raise UserError(f"Line {node.lineno} of the prompt: it is nested too deeply.")
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
    if isinstance(node, nodes.Const) and isinstance(node.value, float) and not math.isfinite(node.value):
        raise UserError(f"Line {node.lineno} of the prompt: a number is too large.")
    steps: int = ENTRIES**depth
    return steps + sum(_allow(child, depth, nesting + 1) for child in node.iter_child_nodes())


def _is_list(node: nodes.Node) -> bool:
    """Whether a node is a list: examples, neighbours, and both sliced or turned round."""
    if isinstance(node, nodes.Filter) and node.name == "reverse" and node.node is not None:
        return _is_list(node.node)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
        return _is_list(node.node)
    return isinstance(node, nodes.Name) and node.name in LISTS
