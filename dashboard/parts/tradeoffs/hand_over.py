"""How many rows each compared technique may keep at a wished hit rate, and what test rows say of other limits."""

import polars as pl
import streamlit as st

from dashboard.parts.tradeoffs import hand_over_charts
from dashboard.parts.tradeoffs import reads as tradeoffs_reads
from dashboard.shared import formats, widgets, words
from dashboard.shared.reads import Version
from worker.pricing import comparison, lists
from worker.pricing.lists import Lists


def show(versions: dict[int, Version], labels: dict[int, str]) -> None:
    """Tolerance and wish, a sentence for each of the labelled jobs, and their curves; which have none, and why.

    labels: of the jobs that are shown, by their order.
    """
    left, right = st.columns([1, 3], gap="large")
    with left:
        within = widgets.tolerance(key="hand-over-within")
    first = {job_id: tradeoffs_reads.first_wish(job_id, versions[job_id], within) for job_id in labels}
    wish = right.slider(
        f"Wished share of prices within ±{within:.0%}",
        1, 99, max((each for each in first.values() if each), default=lists.USUAL_WISH), format="%d %%",
        key=f"hand-over-wish-{within:.0%}-{'-'.join(map(str, labels))}", help=lists.ABOUT_WISH,
    )  # fmt: skip
    divided = {job_id: tradeoffs_reads.divided(versions, job_id, wish / 100, within) for job_id in labels}
    known = {job_id: each for job_id, each in divided.items() if each is not None}
    without = [labels[job_id] for job_id in labels if job_id not in known]
    if without:
        st.info(words.plain(f"{formats.listed(without)}: {lists.WHY_NONE}"), icon=":material/info:")
    if not known:
        return
    st.markdown("\n".join(f"- {words.plain(f'{labels[job_id]}: {sentence(each)}')}" for job_id, each in known.items()))
    lines = pl.concat([tradeoffs_reads.hit_curve(versions, job_id, within) for job_id in known])
    lines = lines.with_columns(label=pl.col("job_id").replace_strict(labels, return_dtype=pl.String))
    widgets.chart(hand_over_charts.curves(lines, _dots(known, labels), wish / 100, within), "hand-over")
    st.caption(
        f"{wish} % certainty: at least {wish} % of such prices are within {within:.0%} of the true one, a promise made "
        f"by {lists.PROCEDURE}. Each line keeps ever more test rows, those first whose price is surest; the rest is "
        f"for a person. The band is the {formats.level(comparison.level())} interval of each point by itself, "
        "near-duplicates counted together; none where too few are kept, or all hit or all miss. A dot is where "
        "validation rows put the limit for the wish: a line without one promises nothing there."
    )


def sentence(divided: Lists) -> str:
    """How many test rows a technique may keep at the wish, and how many of these it did hit; or that it may keep none,
    and the most that can be promised."""
    if divided.promise is None:
        return lists.refusal(divided.wish, divided.most)
    rows = formats.count(len(divided.rows), "test row")
    share = len(divided.priced) / len(divided.rows)
    said = f"at {divided.wish:.0%} certainty {share:.0%} of {rows} are priced within {divided.within:.0%}"
    found = divided.realised
    if found is None:
        return f"{said}."
    return f"{said}; of these {lists.measured(found)} did hit."


def _dots(known: dict[int, Lists], labels: dict[int, str]) -> pl.DataFrame:
    """label, share, realised of the techniques that keep rows at the wish."""
    dots = [
        (labels[job_id], len(each.priced) / len(each.rows), each.realised.share)
        for job_id, each in known.items()
        if each.realised is not None
    ]
    return pl.DataFrame(dots, schema={"label": pl.String, "share": pl.Float64, "realised": pl.Float64}, orient="row")
