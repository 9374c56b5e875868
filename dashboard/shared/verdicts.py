"""What a comparison supports, in sentences: verdicts on several jobs, and on two."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboard.shared.formats import count, listed, usd
from dashboard.shared.markdown import md as md
from dashboard.shared.markdown import plain as plain
from worker import amounts
from worker.evaluation import coverage, resampling
from worker.evaluation.measures import Measure

VERDICTS = {
    "best": "best",
    "ahead": "ahead, not surely",
    "tie": "tied with the one ahead",
    "worse": "worse",
    "partial": "nearer, but on too few answers",
    "too few rows": "too few rows",
}
"""What worker.evaluation.compare says of a job."""

COVERAGE = {
    coverage.HOLDS: "holds",
    coverage.NARROW: "too narrow: holds fewer",
    coverage.WIDE: "wider than needed: holds more",
    coverage.FEW: "too few rows to say",
}
"""What worker.evaluation.coverage says of the promise of intervals."""


def verdict(table: pl.DataFrame, labels: dict[int, str], error: Measure, column: str = "") -> str:
    """A few sentences in Markdown: which job is ahead, whether it is surely best, which can't be told apart from it,
    and which of those is cheapest.

    `table` is worker.evaluation.compare.table, judged by the same error; labels: job id -> name, as
    `plain` gives it; column: what the error is weighted by, "" = nothing.
    """
    answered = table.drop_nulls("verdict")
    if answered.is_empty():
        return "Nothing can be said yet: no job has a readable answer for a test row with a known price."
    lead = answered.row(0, named=True)
    if lead["verdict"] == "too few rows":
        return _too_few(lead["n"])
    rest = answered.tail(-1)
    name = f"**{labels[lead['job_id']]}**"
    short = error.named(plain(column))
    figure = (
        f"{error.written(lead[error.key])} ({amounts.level(lead['level'])} interval {reach(lead, error.key, error)})"
    )
    if rest.is_empty():
        alone = "Run a second technique to have something to compare it with"
        return f"{name}: {figure} {short}. {'The others answered nothing that it did' if len(table) > 1 else alone}."
    if lead["verdict"] == "best":
        start = f"{name} is best on {short}: {figure}"
        return f"{start}. Every other technique here is measurably worse, all comparisons taken together."
    ties = rest.filter(pl.col("verdict") == "tie")
    dark = rest.filter(pl.col("verdict") == "too few rows")
    said = [f"{name} is ahead on {short}: {figure}"]
    if len(ties):
        tied = listed([f"**{labels[job]}**" for job in ties["job_id"]])
        said.append(f"{tied} can't be told apart from it on these {count(lead['n'], 'row')}{_more(ties)}")
    said += [
        f"**{labels[line['job_id']]}** is nearer where it answers, but answered {line['parse_rate']:.0%} only"
        for line in rest.filter(pl.col("verdict") == "partial").iter_rows(named=True)
    ]
    if len(dark):
        few = listed([f"**{labels[job]}**" for job in dark["job_id"]])
        said.append(f"{few} answered too few of the same rows to be compared")
    equals = pl.concat([answered.head(1), ties]).sort("usd_per_1000", nulls_last=True)
    cheapest = equals.row(0, named=True)
    if len(ties) and cheapest["usd_per_1000"] is not None:
        who = "It is also" if cheapest["job_id"] == lead["job_id"] else f"**{labels[cheapest['job_id']]}** is"
        known = "" if equals["usd_per_1000"].null_count() == 0 else " whose cost is known"
        said.append(f"{who} the cheapest of them{known} at {usd(cheapest['usd_per_1000'])} per 1,000 items")
    return ". ".join(said) + "."


def reach(line: Mapping[str, Any], name: str, error: Measure) -> str:
    """Both ends of an interval in words: "$1.00 to $7.00"; "too few rows" without one."""
    low, high = line[f"{name}_low"], line[f"{name}_high"]
    return "too few rows" if low is None or high is None else f"{error.written(low)} to {error.written(high)}"


def _more(ties: pl.DataFrame) -> str:
    """How many more rows would probably tell; "" where that is unknown or out of reach for all."""
    needed = ties["more_rows"].drop_nulls()
    if needed.is_empty():
        return ""
    which = "it" if len(ties) == 1 else "one of them"
    return f"; about {count(int(needed.min()), 'more row')} would probably tell {which}"  # type: ignore[arg-type]


def _too_few(rows: int) -> str:
    return (
        f"Too few rows: {count(rows, 'test row')} with a known price can't tell techniques apart. At least "
        f"{resampling.FEWEST_GROUPS} that are no copies of each other are needed."
    )


def pair_verdict(table: pl.DataFrame, labels: dict[int, str], error: Measure, column: str = "") -> str:
    """Two jobs on the same rows, in a sentence: which is nearer, by how much, and whether that is more than chance.

    `table` is worker.evaluation.compare.table of two jobs, judged by the same error; column: as in `verdict`.
    """
    both = table.drop_nulls("diff")
    if len(both) < 2:
        return "Nothing can be said: the two have no row in common that both answered."
    lead, other = both.row(0, named=True), both.row(1, named=True)
    if other["verdict"] == "too few rows":
        return _too_few(other["n"])
    names = f"**{labels[lead['job_id']]}** and **{labels[other['job_id']]}**"
    figures = f"{error.written(lead[error.key])} and {error.written(other[error.key])}"
    sure = amounts.level(other["level"])
    paired = f"the paired difference is {error.written(other['diff'])} ({sure} interval {reach(other, 'diff', error)})"
    rows = count(lead["n"], "row")
    short = error.named(plain(column))
    if other["verdict"] == "partial":
        return (
            f"**{labels[other['job_id']]}** is nearer than **{labels[lead['job_id']]}** where it answers, but answered "
            f"{other['parse_rate']:.0%} of {rows} only; {paired}."
        )
    if other["verdict"] == "worse":
        return (
            f"**{labels[lead['job_id']]}** is better than **{labels[other['job_id']]}** on {short}: "
            f"{figures}; {paired}, on {rows}."
        )
    return f"{names} can't be told apart on {short}: {figures}; {paired}, on {rows}{_more(both.tail(1))}."
