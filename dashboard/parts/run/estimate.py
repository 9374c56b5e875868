"""The estimate of what a run takes, with its doubt, its total and what nobody knows."""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl
import streamlit as st

from dashboard.shared import formats, widgets, words
from worker import specs
from worker.pricing.planning import Estimate

_text = st.column_config.TextColumn
_COLUMNS = {
    "Technique": _text(width=240, pinned=True),
    "Rows": st.column_config.NumberColumn(format="localized"),
    "Tokens": _text(
        width=100, help="In + out, over all rows; counted on a few real rows where a language model is asked."
    ),
    "Learning": _text(
        help="Once, before the first row is priced: learning from the train rows, and pricing validation rows to see "
        "how far off prices are. Answers of a language model that this takes are counted."
    ),
    "Pricing $": _text(help="Machine time × hourly rate, or what the endpoint's tariff says. Unknown is not 0."),
    "90 % interval": _text(width=150, help="Of what pricing costs: rows differ in length and answers in size."),
    "Rests on": _text(width="large"),
}


def fresh(estimates: Sequence[Estimate]) -> list[Estimate]:
    """The estimates of jobs that are not there already."""
    return [each for each in estimates if each.reuses is None]


def table(estimates: Sequence[Estimate]) -> None:
    """What each planned job would take; a job that was run before takes nothing."""
    lines = {
        "Technique": [specs.describe(each.spec) for each in estimates],
        "Rows": [each.items for each in estimates],
        "Tokens": [_tokens(each) for each in estimates],
        "Learning": [_learning(each) for each in estimates],
        "Time": [formats.duration(each.seconds) for each in estimates],
        "Pricing $": [formats.known_usd(each.usd) for each in estimates],
        "90 % interval": [_interval(each) for each in estimates],
        "Total $": [formats.known_usd(each.total and each.total[1]) for each in estimates],
        "Rests on": [
            each.basis if each.reuses is None else f"Already there: job {each.reuses}, costs nothing more."
            for each in estimates
        ],
    }
    widgets.table(pl.DataFrame(lines), column_config=_COLUMNS)


def _tokens(each: Estimate) -> str:
    return (
        f"{formats.tokens(each.tokens_in)} + {formats.tokens(each.tokens_out)}" if each.tokens_in else formats.NOTHING
    )


def _learning(each: Estimate) -> str:
    if not each.fixed_seconds and not each.answers_to_fit:
        return "none"
    answers = f", {formats.count(each.answers_to_fit, 'answer')}" if each.answers_to_fit else ""
    return f"{formats.duration(each.fixed_seconds)}, {formats.known_usd(each.fixed_usd)}{answers}"


def _interval(each: Estimate) -> str:
    if each.usd is None or each.usd_low is None or each.usd_high is None:
        return formats.NOTHING
    return f"{formats.usd(each.usd_low)} to {formats.usd(each.usd_high)}"


def total(estimates: Sequence[Estimate]) -> str:
    """What is new, in a sentence: time, money with its interval, and what is unknown."""
    new = fresh(estimates)
    if not new:
        return "All of this was run before; nothing new would be started."
    seconds = sum(each.seconds + each.fixed_seconds for each in new)
    known = [each.total for each in new if each.total is not None]
    low, middle, high = (sum((ends[place] for ends in known), start=Decimal(0)) for place in range(3))
    said = f"In all about **{formats.duration(seconds)}** of machine time"
    if known:
        reach = f" ({formats.usd(low)} to {formats.usd(high)})" if low != high else ""
        said += f" and **{formats.usd(middle)}**{reach}"
    blind = [words.plain(specs.describe(each.spec)) for each in new if each.total is None]
    if blind:
        said += f". What **{formats.listed(blind)}** would cost is **unknown**: nobody told the price of its model's "
        said += "tokens; add a tariff on the Endpoints page"
    return f"{said}."
