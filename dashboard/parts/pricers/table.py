"""What is in use under which name, the choice of one, its versions, and who moved which and why."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import streamlit as st

from dashboard.parts.pricers import reads as pricer_reads
from dashboard.shared import formats, pickers, widgets, words
from db.types import Pricer, PricerState
from worker.pricers import actions, promise

_CHOSEN, _ADDRESS = "pricer-chosen", "pricer"


def choose(names: Mapping[str, Sequence[Pricer]]) -> str:
    """One of the names; that in the address (?pricer=, the number of a version), else the first that is in use."""
    by_number = {str(each.id): name for name, versions in names.items() for each in versions}
    wanted = by_number.get(st.query_params.get(_ADDRESS, ""))
    used = next((name for name, versions in names.items() if pricer_reads.in_use(list(versions))), next(iter(names)))
    keys = {versions[-1].id: name for name, versions in names.items()}
    first = next(key for key, name in keys.items() if name == (wanted or used))
    if len(names) == 1:
        return next(iter(names))
    chosen = pickers.one("Pricer", keys, key=_CHOSEN, first=first)
    st.query_params[_ADDRESS] = str(chosen)
    return keys[chosen]


def head(name: str, pricer: Pricer | None) -> None:
    """What is in use, what it promises, and until when it is good."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{words.plain(name)}**", width="content")
            if pricer is None:
                st.badge("Nothing in use", color="gray", icon=":material/remove:")
                return
            st.badge("In use", color="green", icon=":material/check:")
            source = pricer_reads.dataset(pricer.source_id)
            learned = f", learned from {source.name}" if source else ""
            st.markdown(words.plain(f"version {pricer.version}: {actions.technique(pricer)}{learned}"), width="content")
            st.space("stretch")
            st.caption(_good(pricer), width="content")
        st.markdown(words.plain(promise.sentence(promise.parse(pricer.promise))))
        if pricer.hit_rate is not None and pricer.within is not None:
            st.caption(
                f"Rows are handed to a person so that {pricer.hit_rate:.0%} of the other prices are within "
                f"{pricer.within:.0%} of the true one."
            )
        if pricer.description:
            st.caption(words.plain(pricer.description))
        if refused := actions.refusal(pricer):
            st.error(words.plain(refused), icon=":material/error:")
        for sentence in actions.cautions(pricer):
            st.warning(words.plain(sentence), icon=":material/event_busy:")


def _good(pricer: Pricer) -> str:
    day = pricer.best_before
    if day is None:
        return "no end known of what it needs"
    left = (day - datetime.now(UTC).date()).days
    return f"best before {day}" + (f", in {formats.count(left, 'day')}" if left > 0 else "")


STATES: dict[str, str] = {
    PricerState.IN_USE: "in use",
    PricerState.CANDIDATE: "candidate",
    PricerState.RETIRED: "retired",
}
"""State -> what to call it."""


def versions(every: Sequence[Pricer]) -> None:
    """All versions of a name with what they promise."""
    lines = []
    for each in every:
        promised = promise.parse(each.promise)
        lines.append(
            {
                "Version": each.version,
                "State": STATES[each.state],
                "Technique": actions.technique(each),
                "Mean error": promise.error(promised),
                "$ per 1,000": formats.known_usd(promised.usd_per_1000),
                "ms per item": promised.p50_ms,
                "Measured on": formats.count(promised.rows, "row"),
                "Best before": str(each.best_before or formats.NOTHING),
                "Made by": each.created_by,
                "Made": each.created_at,
                "Note": each.description or formats.NOTHING,
            }
        )
    widgets.table(
        lines,
        column_config={
            "Mean error": st.column_config.TextColumn(width="medium"),
            "ms per item": st.column_config.NumberColumn(format="%.3g"),
            "Made": st.column_config.DatetimeColumn(format="distance"),
        },
    )


def history(name: str) -> None:
    """Who moved what, when and why, and what was overridden for it."""
    lines = [
        {
            "When": change.at,
            "Version": change.version,
            "From": STATES[change.before] if change.before else "made",
            "To": STATES[change.after],
            "Who": change.who,
            "Why": change.why,
            "Gate overridden": change.overrides or formats.NOTHING,
        }
        for change in pricer_reads.history(name)
    ]
    columns = {
        "Why": st.column_config.TextColumn(width="large"),
        "When": st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm"),
    }
    widgets.table(lines, column_config=columns)
