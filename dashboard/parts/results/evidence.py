"""What one price rests on: the distribution, prompt and answer, neighbours, tool calls, steps, what went wrong."""

import json
from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard.parts.results import charts
from dashboard.shared import formats, widgets, words

Evidence = dict[str, Any]

_number, _text = st.column_config.NumberColumn, st.column_config.TextColumn
_NEIGHBOURS: dict[str, Any] = {
    "id": "Id",
    "row": "Row",
    "title": _text("Product", width="large"),
    "price": "Price",
    "similarity": _number("Similarity", format="%.3f", help="Cosine of the two texts' vectors: 1 = the same meaning."),
    "age_days": _number("Age (days)", format="%.0f", help="Of the price."),
}
_CALLS: dict[str, Any] = {
    "name": "Tool",
    "arguments": _text("Asked with", width="medium"),
    "result": _text("Answer", width="large"),
}


def known(text: str | None) -> Evidence:
    """The evidence of a prediction; a bare list is of a technique that only looks up neighbours."""
    value = json.loads(text) if text else {}
    return {"neighbours": value} if isinstance(value, list) else value


def doubt(evidence: Evidence, price: float | None, truth: float | None, key: str = "") -> None:
    """What to know in sentences, and the distribution."""
    if not evidence:
        st.caption("This technique keeps no evidence per item.")
    for kind, sentence in words.notices(evidence):
        {"error": st.error, "warning": st.warning, "info": st.info}[kind](words.plain(sentence))
    quantiles, likeliest = evidence.get("quantiles") or {}, evidence.get("likeliest") or {}
    units = evidence.get("quantity") or 1
    price, truth = (value and value / units for value in (price, truth))
    chart = charts.distribution(quantiles, likeliest, price, truth)
    if chart is not None:
        widgets.chart(chart, "distribution", key=f"distribution-{key}")
        st.caption("What the model held likely: bars for single prices, the lines span 50 % and 90 % of its doubt.")


def parts(evidence: Evidence) -> None:
    """A tab for each of the long parts."""
    parts = {title: draw for title, draw in _parts(evidence).items() if draw is not None}
    if parts:
        for tab, draw in zip(st.tabs(list(parts)), parts.values(), strict=True):
            with tab:
                draw()


_SPECIAL = {
    *("prompt", "system", "answer", "quantiles", "likeliest", "neighbours", "calls", "steps"),
    *("shortened", "flag", "ignored", "error", "outside", "quantity"),
}


def _parts(evidence: Evidence) -> dict[str, Callable[[], object] | None]:
    """Title of a tab -> what draws it."""
    neighbours, calls, steps = (evidence.get(name) or [] for name in ("neighbours", "calls", "steps"))
    rest = {name: value for name, value in evidence.items() if name not in _SPECIAL}
    return {
        "Answer": (lambda: _code(evidence["answer"])) if evidence.get("answer") else None,
        "Prompt as sent": (lambda: _prompt(evidence)) if evidence.get("prompt") else None,
        f"Neighbours ({len(neighbours)})": (lambda: _neighbours(neighbours)) if neighbours else None,
        f"Tool calls ({len(calls)})": (lambda: _table([_flat(call) for call in calls], _CALLS)) if calls else None,
        f"Steps ({len(steps)})": (lambda: _steps(steps)) if steps else None,
        "Facts": (lambda: _rest(rest)) if rest else None,
    }


def _code(text: object) -> None:
    st.code(str(text), language=None, wrap_lines=True)


def _prompt(evidence: Evidence) -> None:
    if evidence.get("system"):
        st.caption("System message")
        _code(evidence["system"])
        st.caption("Message")
    _code(evidence["prompt"])


def _neighbours(lines: list[Any]) -> None:
    prices = [line.get("price") for line in lines if isinstance(line, dict)]
    _table(lines, _NEIGHBOURS | {"price": widgets.prices("Price", prices)})


def _table(lines: list[Any], columns: dict[str, Any]) -> None:
    if not isinstance(lines[0], dict):
        lines = [{"value": str(each)} for each in lines]
    there = [name for name in columns if name in lines[0]]
    widgets.table(
        lines, column_config=columns,
        column_order=[*there, *(name for name in lines[0] if name not in there)],
    )  # fmt: skip


def _flat(call: dict[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for name, value in call.items()
    }


def _steps(steps: list[dict[str, Any]]) -> None:
    """The calls of a chain, in order, each with what it took."""
    for number, step in enumerate(steps, 1):
        took = f"{step.get('tokens_in', 0):,} tokens in, {step.get('tokens_out', 0):,} out"
        cost = f" · {formats.money(step['usd'], step.get('saved_usd'))}" if step.get("usd") is not None else ""
        st.markdown(f"**{number} · {words.plain(str(step.get('name', 'Step')))}**")
        st.caption(words.md(took + cost))
        for label, text in (("Prompt", step.get("prompt")), ("Answer", step.get("answer"))):
            if text:
                st.caption(label)
                _code(text)


def _rest(rest: Evidence) -> None:
    """Names and values; what is a list stands in a table of its own."""
    plain = {name: value for name, value in rest.items() if not isinstance(value, list)}
    if plain:
        names = [words.evidence_name(name) for name in plain]
        widgets.table({"What": names, "Value": [str(value) for value in plain.values()]})
    for name, lines in rest.items():
        if isinstance(lines, list) and lines:
            st.caption(words.plain(words.evidence_name(name)))
            _table(lines, {})
