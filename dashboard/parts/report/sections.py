"""The sections of a report, in order: each a function from the facts to what it says, or to None where it has nothing.

Adding a section is adding a function and its name in SECTIONS; every kind of file then has it.
"""

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import polars as pl

from dashboard.parts.report import content
from dashboard.parts.report.advice import next_steps, ways
from dashboard.parts.report.content import Column, Figure, Section, Table, lowered
from dashboard.parts.report.facts import Facts
from dashboard.parts.tradeoffs import charts
from dashboard.shared import formats, verdicts, words
from db.types import Split
from worker.datasets import division
from worker.evaluation.conformal import COVERAGE, WHY_NONE
from worker.evaluation.measures import MEASURES, SHOWN, Measure

UNKNOWN = formats.UNKNOWN


def verdict(facts: Facts) -> Section:
    marks = {job_id: content.mark(job_id) for job_id in facts.names}
    level = formats.level(facts.level)
    said = [verdicts.verdict(facts.table, marks, facts.error, facts.weighted_by)]
    said.append(
        f"Judged by {lowered(facts.error.short)} on {formats.count(facts.rows, 'test row')} that no technique had "
        f"seen: {lowered(facts.error.about)} In {level} of comparisons like this one nothing is called worse that is "
        "not, all pairs taken together."
    )
    synthetic = [words.SYNTHETIC] if facts.dataset.is_synthetic else []
    return Section("Verdict", said, warnings=[*synthetic, *facts.cautions])


def chosen(facts: Facts) -> Section | None:
    return Section("Choice within your limits", facts.choices) if facts.choices else None


def frontier(facts: Facts) -> Section:
    budgets = charts.budget_curves(facts.combined, dict(facts.names))
    note = (
        f"Bars are {formats.level(facts.level)} bootstrap intervals over the test rows. On the dashed line nothing "
        "else here is both cheaper and more accurate; the fainter a point, the less likely it would be there with "
        "other items."
    )
    if len(budgets) and facts.error.key == "mae":
        note += " The band is what other budgets of a cascade would buy, measured on validation rows."
    chart = charts.trade_off(facts.table, facts.error, budgets=budgets)
    return Section("Cost beside error", figures=[
        Figure("trade-off", "Cost per 1,000 items against error", _points(facts), chart, note)
    ])  # fmt: skip


def errors(facts: Facts) -> Section:
    key = facts.error.key
    others = [MEASURES[each] for each in SHOWN if each != key]
    columns = [
        Column("label", "Technique"),
        Column("said", "Verdict"),
        _figure(facts.error),
        *_interval(key, facts),
        *map(_figure, others),
        Column("parse_rate", "Answered", "share"),
        Column("more_rows", "Rows to tell", "count"),
    ]
    said = pl.col("verdict").replace_strict(verdicts.VERDICTS, default=formats.NOTHING, return_dtype=pl.String)
    about = [f"{each.short}: {lowered(each.about)}" for each in (facts.error, *others)]
    note = (
        f"{' '.join(about)} Answered: share of rows with a readable price. Rows to tell: about so many more test rows "
        "would tell a tie from the one ahead in 80 of 100 cases, if the two differ as much as they seem to."
    )
    return Section(
        "How wrong each one is", tables=[Table("Errors", columns, facts.table.with_columns(said=said), note)]
    )


def costs(facts: Facts) -> Section:
    columns = [
        Column("label", "Technique"),
        Column("usd_per_1000", "Per 1,000 items", "dollars", UNKNOWN),
        Column("fixed_usd", "Fixed cost", "dollars", UNKNOWN),
        Column("fixed_seconds", "Learning", "seconds"),
        Column("frontier_odds", "On the frontier", "share", UNKNOWN),
        Column("p50_ms", "Time per item", "ms"),
        Column("p95_ms", "Slowest 5 %", "ms"),
    ]
    said = [
        "Measured while these jobs ran: the working time of their machine × its hourly rate, or what the endpoint "
        "charges for all answers, stored ones included. The fixed cost of learning and indexing is paid once and "
        "stands apart. The time of people is in none of it."
    ]
    blind = facts.table.filter(pl.col("usd_per_1000").is_null() & (pl.col("n") > 0))["job_id"].to_list()
    if blind:
        said.append(
            f"What {_named(blind)} costs is unknown: nobody told the price of the model's tokens. Unknown is not 0, "
            "and what is unknown is not on the chart of costs."
        )
    lost = [f"up to {formats.usd(job.lost_usd)} by {content.mark(job.id)}" for job in facts.jobs if job.lost_usd]
    if lost:
        said.append(f"Lost besides with calls that brought no answer: {formats.listed(lost)}.")
    figures = []
    if len(facts.table.drop_nulls(["p50_ms", "p95_ms"])):
        about = "; ".join(
            f"{line['label']}: {formats.duration(line['p50_ms'] / 1000)}"
            for line in facts.table.drop_nulls("p50_ms").iter_rows(named=True)
        )
        mark = "The mark is the median of an item's working time; 95 % are faster than the line's end."
        figures.append(Figure("speed", "Time per item", about, charts.latency(facts.table), mark))
    note = (
        "On the frontier: how likely it is, with other items, that nothing else here is both cheaper and more accurate."
    )
    return Section("What each one costs", said, figures, [Table("Costs", columns, facts.table, note)])


def every_pair(facts: Facts) -> Section | None:
    known = facts.pairs.drop_nulls("verdict")
    if known.is_empty():
        return None
    unit = facts.error.unit
    columns = [
        Column("left", "Technique"),
        Column("than", "Beside"),
        Column("verdict", "Verdict"),
        Column("diff", f"Difference in {lowered(facts.error.short)}", unit),
        *_interval("diff", facts),
        Column("more_rows", "Rows to tell", "count"),
    ]
    frame = known.with_columns(left=_label("first", facts), than=_label("second", facts))
    more = "more" if facts.error.lower_is_better else "less"
    note = (
        f"How much {more} {lowered(facts.error.short)} the technique on the left has than the one above, on the rows "
        "that both answered. Green is surely better, red surely worse, all pairs taken together; grey is a tie."
    )
    about = ". ".join(
        f"{line['left']} beside {line['than']}: {line['verdict']}" for line in frame.iter_rows(named=True)
    )
    chart = charts.every_pair(facts.pairs, dict(facts.names), facts.error)
    return Section(
        "Every pair",
        figures=[Figure("every-pair", "Every technique beside every other", about, chart, note)],
        # What stands above the diagonal says the same as what stands below it.
        tables=[Table("Pairs", columns, frame.filter(pl.col("first") < pl.col("second")))],
    )


def where(facts: Facts) -> Section | None:
    figures, tables = [], []
    parts = {"category": facts.by_category, "true price": facts.by_band}
    for name, frame in parts.items():
        known = frame.drop_nulls(facts.error.key)
        if known.is_empty():
            continue
        short = lowered(facts.error.short)
        figures.append(
            Figure(
                f"by-{name.replace(' ', '-')}",
                f"{facts.error.short} by {name}",
                f"The {short} of each technique in {formats.count(known['slice'].n_unique(), 'slice')}; the table "
                f"“By {name}” has the figures.",
                charts.slices(frame, dict(facts.names), facts.error),
                "Brown to red is surely worse than the one ahead in its row, all slices and techniques taken together; "
                "green is not shown to be; grey has too few rows to say.",
            )
        )
        tables.append(_slices(f"By {name}", known, facts))
    return Section("Where each one is wrong", figures=figures, tables=tables) if figures else None


def intervals(facts: Facts) -> Section | None:
    without = [job_id for job_id in facts.table["job_id"] if job_id not in set(facts.coverage["job_id"])]
    said = [
        f"Each price comes with an interval that promises to hold the true price in {COVERAGE:.0%} of rows. Its width "
        "was learned on validation rows; here is what test rows say. Width is that of the middle interval, as a share "
        "of the price."
    ]
    if without:
        said.append(f"{_named(without)}: {WHY_NONE}")
    tables = [_coverage("Intervals", facts.coverage, facts, ())]
    if len(facts.coverage_by_band):
        tables.append(
            _coverage("Intervals by price", facts.coverage_by_band, facts, (Column("slice", "Predicted price"),))
        )
    return Section("Intervals", said, tables=tables if len(facts.coverage) else ())


def combinations(facts: Facts) -> Section | None:
    lines: list[dict[str, Any]] = [
        {"label": facts.names[job_id], **{name: member.get(name) for name in _MEMBER}}
        for job_id, told in facts.combined.items()
        if job_id in facts.names
        for member in told["members"]
    ]
    if not lines:
        return None
    columns = [
        Column("label", "Combination"),
        Column("technique", "Member"),
        Column("weight", "Weight", "number"),
        Column("answers", "Answers", "share"),
        Column("mae", "Mean error alone", "price"),
        Column("usd_per_1000", "Per 1,000 items alone", "dollars", UNKNOWN),
    ]
    frame = pl.DataFrame(lines, schema={"label": pl.String, **_MEMBER})
    notes = [str(told["note"]) for told in facts.combined.values() if told.get("note")]
    return Section(
        "Combinations and their members",
        ["All figures here are of validation rows. An ensemble weighs its members; in a cascade each answers a share."],
        tables=[Table("Combinations", columns, frame)],
        warnings=notes,
    )


def dataset(facts: Facts) -> Section:
    about = facts.dataset
    price = about.mapping.get("price")
    sides = [(label, about.splits.get(side, 0), _SIDES[side]) for side, (label, _) in words.SPLITS.items()]
    said = [
        f"{about.name}, from the file {about.file_name}: {formats.count(about.rows_in, 'line')}, of which "
        f"{about.items:,} became items{f' and {about.rejects:,} could not be used' if about.rejects else ''}.",
        f"Prices are in {about.currency or 'a currency that nobody said'}"
        f"{f', from the column “{price}”' if price else ''}.",
        *division.facts(about),
    ]
    held = about.splits.get(Split.TEST, 0)
    if facts.rows < held:
        said.append(f"Of {formats.count(held, 'test row')} the {facts.rows:,} that all techniques priced are compared.")
    frame = pl.DataFrame(sides, schema={"side": pl.String, "n": pl.Int64, "about": pl.String}, orient="row")
    columns = [Column("side", "Side"), Column("n", "Items", "count"), Column("about", "What for")]
    return Section("The data", said, tables=[Table("Data", columns, frame)], warnings=division.doubts(about))


def notes(facts: Facts) -> Section:
    said = [
        f"All intervals here are at {formats.level(facts.level)}, unless they say otherwise: bootstrap over the test "
        "rows, near-duplicates together. They speak of rows like these; of next year's catalogue only as far as it is "
        "like this one.",
        "No technique tuned itself on test rows; validation rows served for that. Which one is ahead is found on these "
        "very rows, so its own figure looks a little better than it is; differences and verdicts are corrected for all "
        "pairs.",
    ]
    if facts.once:
        said.append(
            f"Run once only: {_named(facts.once)}. How much another seed or a fresh sample would change is in no "
            "interval."
        )
    if len(facts.table) == 1:
        said.append("One technique alone can't be compared; run a second one.")
    return Section("What to know", said)


def making(facts: Facts) -> Section:
    lines = [
        (
            job.id,
            facts.names[job.id],
            job.items_total,
            f"{job.finished_at:%Y-%m-%d %H:%M}" if job.finished_at else "",
            job.spec_hash[:12],
            json.dumps(job.spec, ensure_ascii=False, sort_keys=True),
        )
        for job in facts.jobs
    ]
    columns = [
        Column("job", "Job", "count"),
        Column("label", "Technique"),
        Column("items", "Rows priced", "count"),
        Column("finished", "Finished (UTC)"),
        Column("hash", "Settings hash"),
        Column("settings", "Settings"),
    ]
    kinds = dict(zip((each.key for each in columns), (pl.Int64, pl.String, pl.Int64, *[pl.String] * 3), strict=True))
    asked = " ".join(f"--job {job.id}" for job in facts.jobs)
    return Section(
        "How it was made",
        [
            f"Pricewright {version('pricewright')} on Python {platform.python_version()}; the file's sha256 is "
            f"{facts.dataset.file_sha256}.",
            f"The same report anew: pricewright report {facts.dataset.id} {asked} --measure {facts.error.key} "
            "--out report.html",
        ],
        tables=[Table("Jobs", columns, pl.DataFrame(lines, schema=kinds, orient="row"))],
    )


SECTIONS: Sequence[Callable[[Facts], Section | None]] = (
    verdict, frontier, chosen, errors, costs, every_pair, where, intervals, combinations, ways, next_steps,
    dataset, notes, making,
)  # fmt: skip


def sections(facts: Facts) -> list[Section]:
    """All that have something to say."""
    return [section for make in SECTIONS if (section := make(facts)) is not None]


_SIDES: Mapping[str, str] = {
    Split.TRAIN: "Techniques learned from these prices.",
    Split.VALIDATION: "Techniques tuned themselves on these prices.",
    Split.TEST: "Kept hidden from all techniques; every error in this report is measured here.",
    Split.UNPRICED: "The file has no price for these.",
}
_MEMBER: Mapping[str, Any] = {
    "technique": pl.String, "weight": pl.Float64, "answers": pl.Float64, "mae": pl.Float64, "usd_per_1000": pl.Float64,
}  # fmt: skip


def _named(job_ids: Sequence[int]) -> str:
    return formats.listed([content.mark(job_id) for job_id in job_ids])


def _figure(measure: Measure) -> Column:
    return Column(measure.key, measure.short, measure.unit)


def _interval(name: str, facts: Facts) -> Sequence[Column]:
    """Both ends of the interval of a figure, in the unit of the measure."""
    sure, unit = formats.level(facts.level), facts.error.unit
    return [Column(f"{name}_low", f"{sure} interval from", unit, "too few rows"), Column(f"{name}_high", "to", unit)]


def _label(column: str, facts: Facts) -> pl.Expr:
    return pl.col(column).replace_strict(dict(facts.names), default=None, return_dtype=pl.String)


def _points(facts: Facts) -> str:
    said = [
        f"{line['label']}: {facts.error.written(line[facts.error.key])} at "
        f"{formats.known_usd(line['usd_per_1000'])} per 1,000 items"
        for line in facts.table.drop_nulls(facts.error.key).iter_rows(named=True)
    ]
    return "; ".join(said)


def _slices(name: str, frame: pl.DataFrame, facts: Facts) -> Table:
    columns = [
        Column("slice", name.removeprefix("By ").capitalize()),
        Column("label", "Technique"),
        Column("n", "Test rows", "count"),
        _figure(facts.error),
        Column(
            f"{facts.error.key}_low", f"{formats.level(facts.level)} interval from", facts.error.unit, "too few rows"
        ),
        Column(f"{facts.error.key}_high", "to", facts.error.unit, "too few rows"),
        Column("said", "Verdict"),
    ]
    said = pl.col("verdict").replace_strict(verdicts.VERDICTS, default=formats.NOTHING, return_dtype=pl.String)
    return Table(name, columns, frame.with_columns(said=said, label=_label("job_id", facts)), is_detail=True)


def _coverage(name: str, frame: pl.DataFrame, facts: Facts, first: Sequence[Column]) -> Table:
    columns = [
        Column("label", "Technique"),
        *first,
        Column("n", "Test rows", "count"),
        Column("covered", "True price inside", "share"),
        Column("covered_low", f"{formats.level(facts.level)} interval from", "share"),
        Column("covered_high", "to", "share"),
        Column("said", "Promise"),
        Column("width", "Width", "share"),
    ]
    said = pl.col("verdict").replace_strict(verdicts.COVERAGE, return_dtype=pl.String)
    # Runs of one technique are counted each for itself.
    return Table(name, columns, frame.with_columns(said=said, label=_label("job_id", facts)), is_detail=len(first) > 0)
