"""What the command line prints: tables of jobs and comparisons."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from db.job_progress import JobProgress
from db.types import Dataset, Job, JobKind
from worker import amounts, specs
from worker.datasets import answers, money, versions
from worker.evaluation.measures import DECIDING, SHOWN, USUAL, Measure
from worker.evaluation.resampling import LEVEL
from worker.jobs.kinds import KINDS
from worker.specs import finetune

FIELDS = ("id", "title", "description", "category", "brand", "price", "currency", "side", "weight", "date", "quantity")
_SELDOM = ("currency", "side", "weight", "date", "quantity")


def job_label(job: Job) -> str:
    """What to call a job: its name, else its technique with what differs from the defaults, or what it does."""
    if job.name:
        return job.name
    if job.kind is not JobKind.PRICE:
        settings = finetune.describe(finetune.parse(job.spec["train"])) if "train" in job.spec else ""
        label = KINDS[job.kind].terminal
        return f"{label} ({settings})" if settings else label
    return job.named(specs.describe(specs.parse(job.spec)))


def look(dataset: Dataset, mapping: Mapping[str, str]) -> list[str]:
    """What the columns of a dataset's file are taken for, and every warning of the look."""
    taken = [f"{field} = {mapping[field]!r}" for field in FIELDS if field in mapping]
    left = [field for field in FIELDS if field not in mapping and field not in _SELDOM]
    columns = ", ".join(taken) + (f"; no {', no '.join(left)}" if left else "")
    sure = [_sureness(field, fit) for field, fit in confidence(dataset, mapping).items()]
    return [f"Columns: {columns}.", *sure, *(f"Warning: {doubt}" for doubt in doubts(dataset))]


def confidence(dataset: Dataset, mapping: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Field -> how sure it is that its column is the right one (column, confidence, level, why); of columns that the
    look weighed."""
    fits = dataset.inspection.get("fits", {})
    weighed = {
        field: next((fit for fit in fits.get(field, []) if fit["column"] == mapping[field]), None)
        for field in FIELDS
        if field in mapping
    }
    return {field: fit for field, fit in weighed.items() if fit}


def _sureness(field: str, fit: Mapping[str, Any]) -> str:
    return f"  {field}: {fit['level']} ({fit['confidence']:.2f}): {fit['why']}."


def doubts(dataset: Dataset) -> list[str]:
    """Sentences on what may be wrong with the way a dataset's file is read."""
    wide = dataset.inspection.get("wide_rows")
    mixed = money.mixed(dataset.inspection, dataset.mapping)
    ranges = answers.ranges(dataset.inspection, dataset.mapping)
    said = [f"{wide}." if wide else "", mixed, f"{ranges} (--lower-ends)." if ranges else ""]
    return [*dataset.inspection.get("warnings", []), *filter(None, said)]


def used(dataset: Dataset) -> str:
    """That a dataset stands in for a file, and what was said when it was loaded."""
    sign = {".": "point", ",": "comma"}.get(dataset.inspection.get("answers", {}).get("decimal") or "")
    read = f", whose prices were read with a decimal {sign}," if sign else ""
    return f"The file is loaded already: dataset {dataset.id} ({dataset.name}){read} is used."


def nothing_loaded(dataset: Dataset) -> str:
    """Why a file brought no item, in a sentence."""
    reasons = dataset.profile.get("reasons", {})
    counts = ", ".join(f"{count:,} × {reason}" for reason, count in list(reasons.items())[:5])
    return (
        f"Nothing was loaded from {dataset.file_name}: all of its {dataset.rows_in:,} rows are rejects ({counts}); "
        f"dataset {dataset.id} lists them."
    )


def comparison(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The trade-off table: errors with their 95 % intervals, costs per 1,000 items, fixed cost apart."""
    table = Table(caption=None, box=None, pad_edge=False)
    first = rows[0] if rows else {}
    by = first.get("measure", USUAL)
    usual, *others = (DECIDING[key] for key in dict.fromkeys((by, *SHOWN)))
    sure = amounts.level(first.get("level", LEVEL))
    heads = (measure.terminal for measure in others)
    for name in ("technique", "rows", usual.terminal, sure, *heads):
        table.add_column(name, justify="left" if name == "technique" else "right", no_wrap=True)
    for name in ("read", "in 90 %", "width", "tokens", "$ / 1,000", "fixed $", "p50 ms", "verdict", "frontier"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row["description"],
            f"{row['n']:,}",
            usual.cell(row[usual.key]),
            _reach(row, usual),
            *(measure.cell(row[measure.key]) for measure in others),
            _number(row["parse_rate"], ".1%"),
            _number(row["covered"], ".0%"),
            _number(row["width"], ".0%"),
            f"{row['tokens_in']:.0f}+{row['tokens_out']:.0f}" if row["tokens_in"] else "–",
            "unknown" if row["usd_per_1000"] is None else f"{row['usd_per_1000']:.5f}",
            "unknown" if row["fixed_usd"] is None else f"{row['fixed_usd']:.5f}",
            _number(row["p50_ms"], ".2f"),
            _verdict(row),
            _number(row["frontier_odds"], ".0%"),
        )
    table.caption = (
        f"worse = than the one ahead, by more than chance; all pairs are held at once to {sure}\n"
        "tie = not shown to be worse; +n = about so many more rows would probably tell\n"
        "in 90 %: test rows whose price lies in their 90 % interval; width: of the middle one, in % of the price\n"
        "frontier = how likely it is, with other items, that nothing else here is both cheaper and more accurate"
    )
    if column := next((row.get("weighted_by") for row in rows), ""):
        table.caption += f"\nmeasures are weighted by {column}; costs, times and coverage are not"
    lost = [f"{row['lost_usd']:.5f} in job {row['job']}" for row in rows if row.get("lost_usd")]
    if lost:
        table.caption += f"\nlost besides, $: {', '.join(lost)}, at most, with calls that brought no answer"
    return table


def _verdict(row: Mapping[str, Any]) -> str:
    more = f" +{row['more_rows']:,}" if row["more_rows"] else ""
    return (row["verdict"] or "no answers") + more


def _reach(row: Mapping[str, Any], measure: Measure) -> str:
    low, high = row[f"{measure.key}_low"], row[f"{measure.key}_high"]
    return amounts.NOTHING if low is None else f"{measure.cell(low)}–{measure.cell(high)}"


def combinations(rows: Sequence[Mapping[str, Any]]) -> list[Table]:
    """What validation rows say of the members of each ensemble and cascade among the compared jobs."""
    return [_members(row, row["combination"]) for row in rows if row.get("combination")]


def _members(row: Mapping[str, Any], told: Mapping[str, Any]) -> Table:
    is_ensemble = told["kind"] == "ensemble"
    table = Table(title=f"{row['description']}: its members on {told['rows']:,} validation rows", box=None)
    own = ("weight", "worse without it", "95 %") if is_ensemble else ("answers",)
    for name in ("member", DECIDING[USUAL].terminal, "$ / 1,000", *own):
        table.add_column(name, justify="left" if name == "member" else "right", no_wrap=True)
    for each in told["members"]:
        usd = "unknown" if each["usd_per_1000"] is None else f"{each['usd_per_1000']:.5f}"
        figures = (
            (f"{each['weight']:.2f}", _change(each["worse_without"]), _between(each))
            if is_ensemble
            else (_number(each["answers"], ".0%"),)
        )
        table.add_row(each["technique"], _number(each["mae"], ".1f"), usd, *figures)
    if not is_ensemble and told["note"]:
        table.caption = told["note"]
    return table


def _change(value: float | None) -> str:
    return amounts.NOTHING if value is None else f"{value:+.1f}"


def _between(member: Mapping[str, Any]) -> str:
    low, high = member["worse_low"], member["worse_high"]
    return amounts.NOTHING if low is None else f"{low:+.1f} to {high:+.1f}"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _money(state: JobProgress) -> str:
    if state.has_unknown_cost:
        return f"at least {state.usd:.5f}" if state.usd else "unknown"
    return f"{state.usd:.5f}"


def _lost(state: JobProgress) -> str:
    return f"Up to ${state.lost_usd:.5f} is lost with calls that brought no answer." if state.lost_usd else ""


def dataset_table(datasets: Sequence[Dataset]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("dataset", "name", "state", "items", "rejects", "currency", "version of", "changed", "note"):
        table.add_column(name)
    for dataset in datasets:
        table.add_row(
            str(dataset.id),
            dataset.name,
            "archived" if dataset.archived_at else str(dataset.state),
            f"{dataset.items:,}",
            f"{dataset.rejects:,}",
            dataset.currency,
            str(dataset.made_from or ""),
            versions.told(dataset.changes) if dataset.changes else "",
            dataset.description,
        )
    return table


def job_table(jobs: Sequence[Job], states: Mapping[int, JobProgress]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("job", "dataset", "what", "state", "done", "unparsed", "failed", "$", "note"):
        table.add_column(name)
    for job in jobs:
        state = states[job.id]
        table.add_row(
            str(job.id),
            str(job.dataset_id),
            job_label(job),
            str(job.state),
            f"{state.items_done:,}/{state.items_total:,}",
            f"{state.unparsed:,}",
            f"{state.failed:,}",
            _money(state),
            " ".join(filter(None, [_lost(state), state.error])),
        )
    return table


def curve(report: Mapping[str, Any]) -> Table:
    """Error and cost for each number of examples or neighbours; the point where more no longer pays is marked."""
    table = Table(box=None, pad_edge=False, caption=report["sentence"])
    usual = DECIDING[USUAL]
    for name in ("k", "prompt tokens", usual.terminal, "interval", "$ / 1,000", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for row in report["rows"]:
        table.add_row(
            str(row["k"]),
            f"{row['prompt_tokens']:,.0f}",
            usual.cell(row[USUAL]),
            _reach(row, usual),
            "unknown" if row["usd_per_1000"] is None else f"{row['usd_per_1000']:.5f}",
            "enough" if row["is_enough"] else "",
        )
    return table
