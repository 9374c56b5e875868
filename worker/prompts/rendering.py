"""From a template and an item to a prompt in four parts, so that what items share is known to be the same."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypedDict

from jinja2 import Template as Compiled
from jinja2 import TemplateError, nodes

from db.errors import UserError
from db.types import PromptVersion
from worker.prompts.injection import END, START, as_data
from worker.prompts.sandbox import BOUNDS, BREAKING, MAX_RENDERED, Language, Work, parse, reason
from worker.specs.price_bounds import USUAL, Bounds

ITEM = ("title", "description", "category", "brand", "product", "attributes", "stats", "neighbours")
"""Variables that are each item's own. `examples` is too where they are chosen for the item."""

VARIABLES = (*ITEM, "examples")


class Known(TypedDict):
    """A priced product in a prompt."""

    product: str
    price: float  # $
    similarity: float  # cosine to the item; 0 where nobody compared them


class Item(TypedDict):
    """The part of `Values` that a table of items gives."""

    title: str
    description: str
    category: str
    brand: str
    product: str  # those four on lines of their own, the empty ones left out


class Values(Item):
    """What a template is rendered with."""

    attributes: str  # JSON of the chain's first step; "" elsewhere
    stats: Mapping[str, Any]  # count, median, p25, p75 ($) of the item's category on the train side; {} = not known
    neighbours: Sequence[Known]  # in the order in which they are read
    examples: Sequence[Known]


_WHOLE = re.compile(r"\bin whole ([\w ]+?)(?=\W*$|[.,;:])")
"""What a system message asks for: "in whole euros". Where the prices that a model may say have cents, for those."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """`shared` + `text` + `ask` is the message; `text` starts and ends with what is the item's own."""

    system: str
    shared: str
    text: str
    ask: str

    @property
    def user(self) -> str:
        return self.shared + self.text + self.ask


_LANGUAGE = Language()
_NOTHING: Mapping[str, Any] = {}
SAMPLE = Values(
    title="Walnut side table",
    description="Solid walnut, 45 cm high, oiled by hand.",
    category="Furniture",
    brand="Hollin",
    product="Walnut side table\nBrand: Hollin\nCategory: Furniture\nSolid walnut, 45 cm high, oiled by hand.",
    attributes='{"type": "side table", "material": "walnut"}',
    stats={"category": "Furniture", "count": 120, "median": 89.0, "p25": 45.0, "p75": 160.0},
    neighbours=[
        Known(product="Oak stool\nBrand: Hollin", price=59.0, similarity=0.61),
        Known(product="Beech side table", price=120.0, similarity=0.78),
    ],
    examples=[
        Known(product="Steel garden spade", price=24.0, similarity=0.0),
        Known(product="Cotton socks, 3 pairs", price=12.0, similarity=0.0),
    ],
)
"""An item to show a prompt with."""


def item_values(title: str, description: str, category: str, brand: str) -> Item:
    """An item as data: control words broken, `product` put together."""
    title, description, category, brand = (as_data(text) for text in (title, description, category, brand))
    lines = [title, brand and f"Brand: {brand}", category and f"Category: {category}", description]
    product = "\n".join(line for line in lines if line)
    return Item(title=title, description=description, category=category, brand=brand, product=product)


def render(
    prompt: PromptVersion, values: Values, *, own_examples: bool = False, bounds: Bounds = USUAL
) -> Rendered:  # fmt: skip
    """Render an item. `own_examples`: the examples are chosen for this item, so they are not part of what items share.
    `bounds`: what the model may say, in whose steps prices are written.

    Raises UserError when the template can't be rendered with these values.
    """
    compiled = _compiled(prompt.template, own_examples)
    system = _WHOLE.sub(r"in \1 and cents", prompt.system) if bounds.places else prompt.system
    letters = 0
    pieces: list[str] = []
    try:
        for piece in compiled.generate({**values, Work.NAME: Work(), BOUNDS: bounds}):
            pieces.append(piece)
            letters += len(piece)
            if letters > MAX_RENDERED:
                raise UserError(f"The prompt {prompt.name} grows beyond {MAX_RENDERED:,} letters.")
    except (TemplateError, TypeError, LookupError, AttributeError, *BREAKING) as error:
        raise UserError(_sentence(prompt, error)) from error
    # What is left out leaves no mark: it may come before what is shared.
    full = "".join(pieces).replace(START + END, "")
    first, last = full.find(START), full.rfind(END)
    if first < 0:
        return Rendered(system, full, "", "")
    text = full[first:last].replace(START, "").replace(END, "")
    return Rendered(system, full[:first], text, full[last + 1 :])


def check(system: str, template: str) -> None:
    """Check a prompt. Raises UserError, in one sentence, unless this can be saved as a prompt.

    It must render both with a full sample and with nothing but a product, mention the product, and end in words after
    it: that is where the answer goes on.
    """
    prompt = PromptVersion("draft", 0, system, template)
    if "{{" in system or "{%" in system:
        raise UserError("The system message is sent as it is, the same for all items; variables belong in the prompt.")
    bare = Values(**{**SAMPLE, "attributes": "", "stats": _NOTHING, "neighbours": [], "examples": []})
    for values in (SAMPLE, bare):
        rendered = render(prompt, values)
        if not any(text in rendered.text for text in (SAMPLE["title"], SAMPLE["description"])):
            raise UserError("The prompt does not show the product: write {{ product }} or {{ title }} in it.")
        if not rendered.ask.strip():
            raise UserError('The prompt must end in words after the product, for example "Price: $".')


@lru_cache(maxsize=64)
def _compiled(text: str, own_examples: bool) -> Compiled:
    tree = parse(_LANGUAGE, text.replace(START, "").replace(END, ""))
    own = {*ITEM, "examples"} if own_examples else set(ITEM)
    tree.body = [marked for node in tree.body for marked in _marked(node, own)]
    try:
        code = _LANGUAGE.compile(tree)
    except TemplateError as error:
        raise UserError(f"The prompt can't be used: {error.message}") from error
    except BREAKING as error:
        raise UserError(f"The prompt can't be used: {reason(error)}.") from error
    return Compiled.from_code(_LANGUAGE, code, {})


def _marked(node: nodes.Node, own: set[str]) -> list[nodes.Node]:
    """The node between marks if anything in it depends on the item; expressions of one text are marked one by one."""
    if isinstance(node, nodes.Output):
        children: list[nodes.Expr] = []
        for child in node.nodes:
            if _depends(child, own):
                children += [nodes.TemplateData(START), child, nodes.TemplateData(END)]
            else:
                children.append(child)
        return [nodes.Output(children, lineno=node.lineno)]
    if _depends(node, own):
        before, after = (nodes.Output([nodes.TemplateData(mark)], lineno=node.lineno) for mark in (START, END))
        return [before, node, after]
    return [node]


def _depends(node: nodes.Node, own: set[str]) -> bool:
    names = [node] if isinstance(node, nodes.Name) else node.find_all(nodes.Name)
    return any(name.name in own for name in names)


def _sentence(prompt: PromptVersion, error: Exception) -> str:
    message = reason(error)
    if "stats" in message or "dict object" in message:
        return f"The prompt {prompt.name} asks for something that is not always there ({message}); ask with if first."
    return f"The prompt {prompt.name} can't be filled in: {message}; it can use {', '.join(VARIABLES)}."
