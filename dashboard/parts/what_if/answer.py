"""What techniques would cost in a scenario: sentences, chart and table."""

import math
from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.what_if import charts, form
from dashboard.shared import formats, widgets, words
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import export
from worker.what_if import actions
from worker.what_if.actions import Answer

MOST_SENTENCES = 6
SMALL_USD = 1.0
"""What both ways cost in all where one becomes the cheaper, up to which no sentence is made of it."""


def show(answer: Answer, names: dict[int, str], errors: dict[int, float | None], column: str = "") -> None:
    """names: job id -> label; errors: job id -> mean error in $; column: what these are weighted by, "" = nothing."""
    report = actions.report(answer, names)
    weighed = f" weighted by {column}" if column else ""
    items, sure = answer.scenario.items_a_month, formats.level(report["level"])
    _sentences(report, items)
    if answer.totals.ways:
        widgets.chart(charts.totals(answer.totals, names, items), "what-if")
        st.caption(
            f"Supposed, not measured: {form.summary(answer.scenario)}. The cost of an item is that of "
            f"{formats.count(answer.items, 'item')} which all of these priced; bands and bars are {sure} bootstrap "
            "intervals over them. What is paid once or monthly is taken as it is. Cheaper does not mean as good: the "
            "table has the errors."
        )
    for note in report["notes"]:
        st.caption(f":material/info: {words.md(words.plain(note))}")
    _table(report, errors, f"{DECIDING[USUAL].short}{weighed}")


def _sentences(report: dict[str, Any], items: int) -> None:
    """The crossings on which a choice may hang, those nearest to the chosen volume first."""
    large = [each for each in report["crossings"] if each["usd"] > SMALL_USD]
    near = sorted(large, key=lambda each: abs(_steps(each["items_a_month"], items)))
    for each in near[:MOST_SENTENCES]:
        st.markdown(words.md(f"- {words.plain(each['sentence'])}"))
    if len(near) > MOST_SENTENCES:
        st.caption(f"{len(near) - MOST_SENTENCES} more, further from your volume, are in the table of crossings below.")
    if small := len(report["crossings"]) - len(large):
        st.caption(
            words.md(
                f"{formats.count(small, 'crossing')} where both cost less than {formats.usd(SMALL_USD)} in all: no "
                "choice hangs on that; the table of crossings has them."
            )
        )
    if not report["crossings"] and report["ways"]:
        st.markdown("No line crosses another: whoever costs least at first costs least at every volume.")


def _steps(there: float, items: int) -> float:
    """How often one has to double to come from one volume to the other."""
    return math.log2(max(there, 1e-9) / items)


def _table(report: dict[str, Any], errors: dict[int, float | None], error: str) -> None:
    sure = formats.level(report["level"])
    lines = pl.DataFrame(
        [
            {
                "Technique": way["label"],
                "In all": formats.known_usd(way["total_usd"]),
                f"{sure} interval": _ends(way, "total_usd"),
                "Once": formats.known_usd(way["once_usd"]),
                "Of that": ", ".join(
                    f"{name} {formats.known_usd(usd)}" for name, usd in way["once"].items() if usd != 0
                ),
                "A month": formats.known_usd(way["monthly_usd"]),
                "Per 1,000 items": formats.known_usd(way["usd_per_1000"]),
                error: formats.price(errors.get(way["job"])),
            }
            for way in sorted(report["ways"], key=lambda way: (way["total_usd"] is None, way["total_usd"]))
        ]
    )
    widgets.table(lines)
    if report["crossings"]:
        crossings = pl.DataFrame(report["crossings"]).select("sentence", "items_a_month", "low", "high", "may_never")
        with st.expander(f"All {formats.count(len(crossings), 'crossing')}"):
            widgets.table(
                crossings,
                column_config={
                    "sentence": st.column_config.TextColumn("Crossing", width="large"),
                    "items_a_month": st.column_config.NumberColumn("Items a month", format="localized"),
                    "low": st.column_config.NumberColumn(f"{sure} from", format="localized"),
                    "high": st.column_config.NumberColumn(f"{sure} to", format="localized"),
                    "may_never": "Perhaps never",
                },
            )
    widgets.downloads("what-if", lambda: lines, endings=export.SHEETS)


def _ends(way: dict[str, Any], name: str) -> str:
    low, high = way[f"{name}_low"], way[f"{name}_high"]
    return formats.NOTHING if low is None or high is None else f"{formats.usd(low)} to {formats.usd(high)}"
