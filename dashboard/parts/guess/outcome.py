"""What came of a game: who was nearer and how sure that is, and every product with its true price."""

from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.guess import charts
from dashboard.parts.guess.game import GAME
from dashboard.shared import formats, verdicts, widgets, words
from worker.guesses import actions
from worker.guesses.actions import YOU, Result
from worker.pricing import comparison, export

_VERDICTS = {
    "better": "you are nearer",
    "worse": "it is nearer",
    "tie": "can't be told apart",
    "too few rows": verdicts.VERDICTS["too few rows"],
}


def show(found: Result) -> None:
    """Sentences, chart and tables."""
    *said, course = actions.sentences(found)
    st.info(words.md(" ".join(words.plain(sentence) for sentence in said)), icon=":material/gavel:")
    lines = found.table.filter(pl.col("mae").is_not_null()).with_columns(
        label=pl.col("job_id").replace_strict(dict(found.names), return_dtype=pl.String),
        is_you=pl.col("job_id") == YOU,
    )
    if len(lines) > 1:
        figures = lines.select("label", "is_you", "mae", "mae_low", "mae_high")
        widgets.chart(charts.errors(figures, found.weighted_by), "guess")
        has_bars = lines["mae_low"].is_not_null().any()
        bars = (
            f"Bars are {formats.level(lines['level'][0])} intervals over the rows that you guessed. Whether two differ "
        )
        bars += "is told by the paired difference in the table, not by whether bars overlap."
        st.caption(
            f"{bars if has_bars else 'Too few products were guessed for intervals: the marks alone say little.'}"
            f"{comparison.all_weighed(words.plain(found.weighted_by))}"
        )
        _table(found, lines)
    st.caption(f":material/school: {words.md(words.plain(course))}")
    st.markdown("**Every product**")
    products = _products(found)
    widgets.table(products, column_config=_columns(products))
    widgets.downloads(f"game-{found.game.id}", lambda: products, endings=export.SHEETS)
    if st.button("Guess other products", icon=":material/replay:", type="primary"):
        st.query_params.pop(GAME, None)
        st.rerun()


def _table(found: Result, lines: pl.DataFrame) -> None:
    gaps = {line["second"]: line for line in found.gaps.iter_rows(named=True)}
    table = []
    for line in lines.iter_rows(named=True):
        gap = gaps.get(line["job_id"])
        table.append(
            {
                "Who": line["label"],
                "Mean error": formats.price(line["mae"]),
                "Interval": _ends(line["mae_low"], line["mae_high"]),
                "Your error minus its": formats.NOTHING if gap is None else formats.price(gap["diff"]),
                "Interval of that": formats.NOTHING if gap is None else _ends(gap["diff_low"], gap["diff_high"]),
                "Verdict": "you" if gap is None else _VERDICTS.get(gap["verdict"] or "", formats.NOTHING),
                "Within 20 %": f"{line['within']:.0%}",
            }
        )
    widgets.table(pl.DataFrame(table))


def _products(found: Result) -> pl.DataFrame:
    return found.rows.with_columns(
        pl.when(pl.col("price").is_null()).then(pl.lit("skipped")).otherwise(pl.lit("")).alias("note"),
        off=(pl.col("price") - pl.col("truth")).abs(),
    ).select("title", "price", "best", "truth", "off", "note", "seconds")


def _columns(rows: pl.DataFrame) -> dict[str, Any]:
    return {
        "title": st.column_config.TextColumn("Product", width="large"),
        "price": widgets.prices("Your price", rows["price"]),
        "best": widgets.prices("Best technique", rows["best"], "The one with the least error on these rows."),
        "truth": widgets.prices("True price", rows["truth"]),
        "off": widgets.prices("You were off by", rows["off"]),
        "note": "",
        "seconds": st.column_config.NumberColumn("Seconds", format="%.0f"),
    }


def _ends(low: float | None, high: float | None) -> str:
    return formats.NOTHING if low is None or high is None else f"{formats.price(low)} to {formats.price(high)}"
