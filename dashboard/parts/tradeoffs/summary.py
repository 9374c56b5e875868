"""What a comparison says at first: the verdict, what to beware of, the choice, the chart, the table."""

import streamlit as st

from dashboard.parts.tradeoffs import charts, choice, combinations, comparison, saved_verdicts
from dashboard.parts.tradeoffs import reads as tradeoffs_reads
from dashboard.parts.tradeoffs.selection import Selection
from dashboard.shared import formats, navigation, verdicts, words
from worker.evaluation.choice import Limits
from worker.pricing import comparison as pricing_comparison


def is_measured(asked: Selection) -> bool:
    """Whether a row that the jobs priced has a known price."""
    return bool(len(asked.table)) and bool(asked.table["n"].max())


def nothing_measured(asked: Selection) -> None:
    """What there is to do where no known price says how wrong any price is: a table that others were learned for."""
    for sentence in tradeoffs_reads.price_cautions(tuple(asked.versions)):
        st.warning(words.plain(sentence), icon=":material/warning:")
    navigation.next_step(
        "No row of this table has a known price, so nothing can be measured on it.",
        navigation.RESULTS,
        "See its prices",
        ":material/sell:",
        about="How wrong they may be is what was measured on the table that they were learned from.",
    )


def show(asked: Selection) -> Limits:
    """All of it, in this order; the limits that the reader sets."""
    table, error = asked.table, asked.error
    st.info(words.md(verdicts.verdict(table, asked.plain_names, error, asked.column)), icon=":material/gavel:")
    for sentence in tradeoffs_reads.price_cautions(tuple(asked.versions)):
        st.warning(words.plain(sentence), icon=":material/warning:")
    for sentence in tradeoffs_reads.promises(tuple(asked.versions)):
        st.info(words.plain(sentence), icon=":material/handshake:")
    weighed = pricing_comparison.all_weighed(words.plain(asked.column))
    st.caption(f"{error.about} Compared on {formats.count(int(table['n'][0]), 'test row')}.{weighed}")
    limits = choice.ask(error)
    marks = choice.show(table, asked.versions, asked.plain_names, error, limits, weighted=asked.weighted)
    job_ids = list(asked.versions)
    saved_verdicts.keep(asked.dataset, job_ids, error, limits, list(marks), weighted=asked.weighted)
    combined = tradeoffs_reads.combinations(asked.versions)
    comparison.chart(table, error, marks, charts.budget_curves(combined, asked.labels))
    combinations.explain(combined, error)
    comparison.unknown(table)
    comparison.run_once(asked.chosen, table)
    comparison.lost(asked.chosen, asked.labels)
    comparison.table(table, error, marks)
    return limits
