"""The table of adapters, which of them each task relies on, and the choice of one."""

from collections.abc import Sequence

import polars as pl
import streamlit as st

from dashboard.parts.run import choose as run_choose
from dashboard.shared import formats, pickers, reads, widgets, words
from db.types import Adapter, AdapterChange, AdapterState, Endpoint
from worker.adapters import actions
from worker.endpoints import tuning
from worker.evaluation.gate import Report
from worker.specs.forms import FORMS

_CHOSEN = "adapter-chosen"

STATES: dict[str, str] = {
    AdapterState.PRODUCTION: "in production",
    AdapterState.CANDIDATE: "candidate",
    AdapterState.RETIRED: "retired",
}
"""State -> what to call it, in the order in which people look for them."""

_COLUMNS = {
    "Adapter": st.column_config.TextColumn(pinned=True),
    "Rows": st.column_config.NumberColumn(format="localized", help="It learned from this many."),
    "Median error": st.column_config.NumberColumn(format="percent"),
    "Gate": st.column_config.TextColumn(
        help="Whether it forgot more than it may of what the model knew before the training."
    ),
    "Cost": st.column_config.TextColumn(help="Of the training, once."),
    "Ends": st.column_config.TextColumn(help="When its endpoint shuts the model down, where it says so."),
    "Made": st.column_config.DatetimeColumn(format="distance"),
}


def tasks(adapters: Sequence[Adapter]) -> None:
    """A line per task: what it relies on, and what else there is for it."""
    for task in sorted({adapter.task for adapter in adapters}):
        mine = [adapter for adapter in adapters if adapter.task == task]
        used = next((adapter for adapter in mine if adapter.state is AdapterState.PRODUCTION), None)
        candidates, retired = (
            sum(adapter.state is state for adapter in mine) for state in (AdapterState.CANDIDATE, AdapterState.RETIRED)
        )
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{words.plain(task)}**", width="content")
            if used:
                st.badge("In production", color="green", icon=":material/check:")
                st.markdown(words.md(f"{words.plain(short(used))}: {words.measurement(used.metrics)}"), width="content")
            else:
                st.badge("Nothing in production", color="gray", icon=":material/remove:")
            st.space("stretch")
            st.caption(f"{formats.count(candidates, 'candidate')}, {retired:,} retired", width="content")


def table(adapters: Sequence[Adapter]) -> None:
    """All adapters, by task, those that somebody relies on first."""
    order, endpoints = list(STATES), reads.endpoints(archived=True)
    lines = [
        {
            "Adapter": adapter.id[:8],
            "Task": adapter.task,
            "State": STATES[adapter.state],
            "Gate": gate_word(adapter),
            "Mean error": adapter.metrics.get("mae"),
            "Median error": adapter.metrics.get("median_relative_error"),
            "Base": words.model_name(adapter.base),
            "Says": FORMS[adapter.form].short,
            "Rows": adapter.train_rows,
            "Cost": cost(adapter),
            "Size": size(adapter),
            "Ends": ends(adapter, endpoints) or formats.NOTHING,
            "Made": adapter.created_at,
        }
        for adapter in sorted(adapters, key=lambda each: (each.task, order.index(each.state)))
    ]
    schema = {"Mean error": pl.Float64, "Median error": pl.Float64}
    frame = pl.DataFrame(lines, schema_overrides=schema).with_columns(pl.col("Median error").round(2))
    error = widgets.prices("Mean error", frame["Mean error"], "On validation rows it did not learn from.")
    widgets.table(frame, column_config=_COLUMNS | {"Mean error": error})


def choose(adapters: Sequence[Adapter]) -> Adapter:
    """One of the adapters; that in the address (?adapter=, its number or the beginning), else the first."""
    known = {adapter.id: adapter for adapter in adapters}
    beginning = st.query_params.get(run_choose.ADAPTER, "")
    matching = [number for number in known if beginning and number.startswith(beginning)]
    if beginning and len(matching) != 1:
        sentence = f"There is no adapter {words.plain(beginning[:12])}; this is another one."
        st.warning(sentence, icon=":material/search_off:")
    number = matching[0] if len(matching) == 1 else next(iter(known))
    st.query_params[run_choose.ADAPTER] = st.session_state[_CHOSEN] = number
    names = {key: words.adapter_name(adapter) for key, adapter in known.items()}
    pickers.one("Adapter", names, key=_CHOSEN, on_change=_picked)
    return known[number]


def _picked() -> None:
    st.query_params[run_choose.ADAPTER] = st.session_state[_CHOSEN]


def history(changes: Sequence[AdapterChange]) -> None:
    """Who moved what, when and why, and what was overridden for it."""
    if not changes:
        st.caption("Nobody moved an adapter of this task yet.")
        return
    lines = [
        {
            "When": change.at,
            "Adapter": change.adapter_id[:8],
            "From": STATES[change.before],
            "To": STATES[change.after],
            "Who": change.who,
            "Why": change.why,
            "Gate overridden": change.overrides or formats.NOTHING,
        }
        for change in changes
    ]
    columns = {
        "Why": st.column_config.TextColumn(width="large"),
        "When": st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm"),
    }
    widgets.table(lines, column_config=columns)


def short(adapter: Adapter) -> str:
    """What to call an adapter in a sentence."""
    return f"{adapter.id[:8]} ({words.model_name(adapter.base)}, {adapter.form})"


def gate_word(adapter: Adapter) -> str:
    """What the gate thinks of an adapter, in a word or two."""
    if adapter.gate_report is None or not Report.from_json(adapter.gate_report).is_measured:
        return "not measured"
    return "objects" if actions.gate_objection(adapter) else "passes"


def cost(adapter: Adapter) -> str:
    return formats.UNKNOWN if adapter.metrics.get("cost_unknown") else formats.usd(adapter.usd)


def size(adapter: Adapter) -> str:
    return "at its endpoint" if adapter.uses_endpoint else formats.size(adapter.size_bytes)


def ends(adapter: Adapter, endpoints: Sequence[Endpoint]) -> str | None:
    """ISO date on which its endpoint shuts it down: as the endpoint says by now, else as it said after the training."""
    name, _, model = adapter.model.partition(":")
    endpoint = next((each for each in endpoints if adapter.uses_endpoint and each.name == name), None)
    day = (endpoint and tuning.last_day(endpoint, model, adapter.base)) or adapter.metrics.get("shutdown_date")
    return str(day)[:10] if day else None
