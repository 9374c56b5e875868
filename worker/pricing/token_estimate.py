"""The tokens that asking a language model takes, counted on prompts of a few real rows before anything starts."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import polars as pl

from db import datasets, endpoints
from db.engine import Session
from db.types import Dataset, PromptVersion, Split, Tariff
from worker.endpoints import tariffs
from worker.prompts import token_count, versions
from worker.prompts.builtin import named
from worker.prompts.currency import in_currency
from worker.prompts.rendering import Known, Values, item_values, render
from worker.specs import LlmSpec

ROWS = 24
PRICE_TOKENS = (2.0, 4.0, 16.0)  # least, usual and most tokens of an answer that is a price
ATTRIBUTE_TOKENS = (20.0, 60.0)  # of the JSON that a chain's first step writes; at most as many as the spec allows
TOOL_ROUNDS = (
    1.0,
    3.0,
)  # how often a model that may call tools is asked, least, usual; a spec says how often at most
TOOL_TOKENS = 350  # what describing the tools adds to every round, roughly
UNSURE = (0.8, 1.25)  # where bytes were counted because the model's tokenizer is not here


@dataclass(frozen=True, slots=True)
class Pilot:
    """Tokens per item: the least, the usual, the most that is likely (a 90 % interval of the mean over many items)."""

    tokens_in: tuple[float, float, float]
    tokens_out: tuple[float, float, float]
    is_exact: bool

    def usd(self, tariff: Tariff, items: int, *, batch: bool) -> tuple[Decimal, Decimal, Decimal]:
        """Low, usual and high cost of so many items."""
        low, usual, high = (
            tariff.usd(round(into * items), 0, round(out * items), batch=batch)
            for into, out in zip(self.tokens_in, self.tokens_out, strict=True)
        )
        return low, usual, high


def count(session: Session, dataset: Dataset, source: Dataset, spec: LlmSpec, rows: list[int]) -> Pilot:
    """Tokens that pricing these rows takes with examples from a source, from evenly spread ones among the rows. Raises
    NotFound for a prompt."""
    chosen = [rows[i] for i in np.linspace(0, len(rows) - 1, min(ROWS, len(rows))).astype(int)]
    items = datasets.items_to_price(session, dataset.id, 0, chosen)
    known = _known(session, source, spec)
    prompt = in_currency(versions.resolve(session, named(spec)), spec.currency)
    own = [_cut(spec, text) for text in _prompts(prompt, items, known)]
    counted = token_count.tokens(spec.model, own)
    into = np.asarray(counted.tokens, dtype=float)
    usual = float(into.mean())
    reach = 1.645 * float(into.std(ddof=1)) / len(into) ** 0.5 if len(into) > 1 else usual
    low, high = usual - reach, usual + reach
    if not counted.is_exact:
        low, high = low * UNSURE[0], high * UNSURE[1]
    tokens_in, tokens_out = (low, usual, high), PRICE_TOKENS
    if spec.first_step:
        ref, most_written = spec.first_step
        first = versions.resolve(session, ref)
        first_tokens = token_count.tokens(spec.model, [_cut(spec, text) for text in _prompts(first, items, [])]).tokens
        written = (*ATTRIBUTE_TOKENS, float(most_written))
        # The second step reads what the first one wrote.
        tokens_in = _sum(tokens_in, tuple(float(np.mean(first_tokens)) + more for more in written))
        tokens_out = _sum(tokens_out, written)
    if spec.most_rounds > 1:
        rounds = (*TOOL_ROUNDS, float(spec.most_rounds))
        tokens_in = _product(tuple(each + TOOL_TOKENS for each in tokens_in), rounds)
        tokens_out = _product(tuple(each + 20 for each in tokens_out), rounds)
    return Pilot(tokens_in, tokens_out, counted.is_exact)


def tariff(session: Session, spec: LlmSpec) -> Tariff | None:
    """What the spec's model behind an endpoint costs today; None = unknown. Raises NotFound without the endpoint."""
    endpoint, _, model = spec.model.partition(":")
    return tariffs.find(session, endpoints.get(session, endpoint), model)


def _known(session: Session, source: Dataset, spec: LlmSpec) -> list[Known]:
    """Priced products in place of the examples or neighbours that each prompt would hold."""
    n, tokens = spec.context
    if not n:
        return []
    train = datasets.items(session, source.id, Split.TRAIN, limit=n, per_unit=True)
    return [
        Known(product=item_values(*texts)["product"][: 4 * tokens], price=price or 0.0, similarity=0.0)
        for *texts, price in train.select("title", "description", "category", "brand", "price").iter_rows()
    ]


def _prompts(prompt: PromptVersion, items: pl.DataFrame, known: list[Known]) -> list[tuple[str, str, str]]:
    """(before, product's own text, after) of each item; examples and neighbours look alike to the count."""
    made = []
    for texts in items.select("title", "description", "category", "brand").iter_rows():
        values = Values(**item_values(*texts), attributes="", stats={}, neighbours=[], examples=known)
        rendered = render(prompt, values)
        made.append((f"{rendered.system}\n{rendered.shared}", rendered.text, rendered.ask))
    return made


def _cut(spec: LlmSpec, parts: tuple[str, str, str]) -> str:
    before, text, after = parts
    return before + text[: 4 * spec.max_text_tokens] + after


def _sum(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, float, float]:
    low, usual, high = (x + y for x, y in zip(a, b, strict=True))
    return low, usual, high


def _product(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, float, float]:
    low, usual, high = (x * y for x, y in zip(a, b, strict=True))
    return low, usual, high
