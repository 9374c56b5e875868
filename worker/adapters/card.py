"""The model card of an adapter, in Markdown: what somebody must know who is handed it."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from db.types import Adapter, AdapterChange
from worker import amounts
from worker.amounts import currencies
from worker.evaluation.gate import Finding, Report
from worker.specs.finetune import TrainSpec
from worker.specs.forms import FORMS


@dataclass(frozen=True, slots=True)
class Base:
    """What is known of a base model that comes as a package."""

    hub: str  # where its publisher keeps it
    licence: str  # as model hubs name it
    about: str


BASES = {
    "smollm2-135m": Base(
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "apache-2.0",
        "Its weights were read from a Q4_1 file, so they differ a little from those that the publisher keeps.",
    ),
    "gemma3-270m": Base(
        "google/gemma-3-270m",
        "gemma",
        "Its weights were read from a Q4_K_M file, so they differ a little from those that the publisher keeps. Using "
        "it, and what is made from it, is bound to the Gemma Terms of Use (https://ai.google.dev/gemma/terms).",
    ),
}

_METRICS: dict[str, tuple[str, Callable[[float], str]]] = {
    "mae": ("Mean absolute error", amounts.usd),
    "untrained_mae": ("The same before its first step", amounts.usd),
    "median_relative_error": ("Median relative error", "{:.1%}".format),
    "parse_rate": ("Answers that are a price", "{:.1%}".format),
    "loss": ("Loss on validation rows", "{:.4f}".format),
}


def card(adapter: Adapter, history: Sequence[AdapterChange]) -> str:
    """The card as of now; `history` as db.adapters.history gives it, newest first."""
    parts = (
        _head(adapter),
        _what_it_is(adapter),
        _data(adapter),
        _settings(TrainSpec.model_validate(adapter.spec)),
        _figures(adapter),
        _gate(adapter),
        _use(adapter),
        _limits(adapter),
        _history(history),
    )
    return "\n".join(line for part in parts for line in part)


def _head(adapter: Adapter) -> Iterator[str]:
    base = BASES.get(adapter.base)
    yield "---"
    yield f"base_model: {json.dumps(base.hub if base else adapter.base)}"
    if base:
        yield f"license: {base.licence}"
    if not adapter.uses_endpoint:
        yield "library_name: peft"
    yield from ("tags:", "- price-estimation", "---", "")


def _what_it_is(adapter: Adapter) -> Iterator[str]:
    yield f"# {_line(adapter.task)}: {adapter.id[:12]}"
    yield ""
    currency = currencies.of(str(adapter.spec.get("currency") or "USD")).name
    yield f"Estimates the price of a product in {currency} from its text. It learned to say {FORMS[adapter.form].card}."
    yield ""
    base = BASES.get(adapter.base)
    yield from _table(
        ("", ""),
        [
            ("Number", f"`{adapter.id}`"),
            ("State", str(adapter.state)),
            ("Made on", f"{adapter.created_at:%Y-%m-%d}"),
            ("Base model", f"{adapter.base}" + (f" ({base.hub})" if base else "")),
            ("Hash of the base's weights", f"`{adapter.base_hash}`" if adapter.base_hash else "behind an endpoint"),
            ("Licence of the base", base.licence if base else "not known here; ask who published it"),
        ],
    )
    if base:
        yield from (base.about, "")


def _data(adapter: Adapter) -> Iterator[str]:
    yield from ("## Data", "")
    gone = "" if adapter.dataset_id else " (deleted since)"
    yield (
        f"{adapter.train_rows:,} products with prices of the dataset {_line(adapter.dataset_name)}{gone}, only from "
        f"its train side. Fingerprint of the dataset, its split and the rows: `{adapter.fingerprint}`."
    )
    yield ""


def _settings(spec: TrainSpec) -> Iterator[str]:
    yield from ("## Settings", "")
    values = spec.model_dump(mode="json")
    rows = [
        (str(field.title), _shown(values[name])) for name, field in TrainSpec.model_fields.items() if name in values
    ]
    yield from _table(("setting", "value"), rows)


def _figures(adapter: Adapter) -> Iterator[str]:
    yield from ("## Figures", "")
    measured = adapter.metrics.get("rows")
    on = f"{measured:,} validation rows" if measured else "validation rows"
    yield f"Of the checkpoint that was kept, on {on} that it did not learn from:"
    yield ""
    figures = [
        (label, form(adapter.metrics[name]))
        for name, (label, form) in _METRICS.items()
        if adapter.metrics.get(name) is not None
    ]
    yield from _table(("figure", "value"), figures or [("nothing was measured", "–")])
    is_known = not adapter.metrics.get("cost_unknown")
    usd = f"${adapter.usd:,.4f}" if is_known else "an unknown sum"
    yield f"Training took {adapter.seconds:,.0f} seconds and cost {usd} at the rates of that day."
    if adapter.metrics.get("stopped"):
        yield "It was ended early."
    yield ""


def _gate(adapter: Adapter) -> Iterator[str]:
    yield from ("## What it forgot", "")
    if adapter.gate_report is None:
        yield from ("Not measured yet.", "")
        return
    report = Report.from_json(adapter.gate_report)
    yield (
        "The base model and the adapter were asked the same. A part fell when it got worse than the limit allows, "
        f"{report.confidence:.0%} sure over all parts together."
    )
    yield ""
    yield from _table(
        ("part", "pairs", "base", "adapter", "worse by", "limit", "verdict"), map(_finding_row, report.findings)
    )


def _finding_row(finding: Finding) -> tuple[str, ...]:
    base, adapted = ("–" if value is None else finding.scale.exact(value) for value in (finding.base, finding.adapted))
    change = "–" if finding.change is None else f"{finding.change:.1%}"
    return (finding.name, f"{finding.n:,}", base, adapted, change, f"{finding.limit:.0%}", finding.verdict)


def _use(adapter: Adapter) -> Iterator[str]:
    yield from ("## Use", "")
    yield "With Pricewright:"
    yield ""
    yield from ("```", f"pricewright price DATASET --technique finetuned --adapter {adapter.id[:12]}", "```", "")
    if adapter.uses_endpoint:
        yield from (f"Its weights stay with the endpoint, where it is asked as `{adapter.model}`.", "")
        if ends := adapter.metrics.get("shutdown_date"):
            yield from (f"It ends there on {ends} at the latest.", "")
        return
    base = BASES.get(adapter.base)
    yield "With peft, from the folder that this card lies in:"
    yield ""
    yield "```python"
    yield "from peft import PeftModel"
    yield "from transformers import AutoModelForCausalLM"
    yield ""
    yield f"base = AutoModelForCausalLM.from_pretrained({json.dumps(base.hub if base else adapter.base)})"
    yield 'model = PeftModel.from_pretrained(base, ".")'
    yield from ("```", "")
    if head_file := FORMS[adapter.form].head_file:
        yield (
            f"The price itself comes out of `{head_file}`, which reads the last hidden state; "
            "`worker/llm/local/heads.py` of Pricewright says how."
        )
        yield ""


def _limits(adapter: Adapter) -> Iterator[str]:
    spec = TrainSpec.model_validate(adapter.spec)
    yield from ("## Limits", "")
    yield f"- It knows prices from {spec.bounds}, as they were when the dataset was made."
    yield "- Products unlike those of its dataset are priced worse than the figures above say."
    yield f"- It reads the prompt {spec.prompt} and at most {spec.max_text_tokens:,} tokens of a product's text."
    if spec.k:
        yield f"- It was trained with {spec.k} similar products in the prompt and needs them."
    yield "- It works on the base with the hash above and on no other."
    yield "- An estimate is no offer: a person decides what a product costs."
    yield ""


def _history(history: Sequence[AdapterChange]) -> Iterator[str]:
    if not history:
        return
    yield from ("## History", "")
    rows = [
        (f"{change.at:%Y-%m-%d %H:%M}", f"{change.before} → {change.after}", change.who, change.why, change.overrides)
        for change in history
    ]
    yield from _table(("when", "what", "who", "why", "objection that was overridden"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_line(cell) or ' ' for cell in row)} |"
    yield ""


def _line(text: str) -> str:
    """On one line and within a table's cell, whatever a person typed."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "all"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
