"""`pricewright race DATASET --technique … --technique …`: pay only until it is clear which technique is best."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from db.errors import UserError
from db.job_results import RaceResult
from db.types import Job, JobState
from worker import amounts, specs
from worker.cli import files, find, watch
from worker.cli.console import AsJson, out, print_json
from worker.cli.options import (
    CurrencyCode,
    DecimalSign,
    Delimiter,
    Encoding,
    HeaderLine,
    SheetName,
    Unweighted,
    WideRows,
    answers,
    assignments,
    dollars,
    reading,
)
from worker.jobs import actions as job_actions
from worker.pricing import actions as pricing_actions
from worker.race import actions, planning, sentences
from worker.server.up import running_stack
from worker.specs import race as race_specs
from worker.specs.race import RaceSpec

app = typer.Typer()

MEMBERS = "members"


@app.command()
def race(
    what: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset (number or name) or a file to load first.")],
    technique: Annotated[list[str], typer.Option(help="Technique name; two or more.")],
    budget: Annotated[
        float | None,
        typer.Option(min=0, help="Dollars for all techniques together; the race pauses before more. 0 = none."),
    ] = None,
    margin: Annotated[
        str, typer.Option(help="A difference that is none in practice: 2% of the leader's error, or 1.50 in dollars.")
    ] = "2%",
    measure: Annotated[str, typer.Option(help="What decides: mae or within.")] = "mae",
    limit: Annotated[int | None, typer.Option(min=1, help="Race on a sample of this many test rows.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="field=value for each technique that has such a field.")
    ] = None,
    finish: Annotated[
        bool, typer.Option("--finish", help="Then price the rest of the rows with the chosen one.")
    ] = False,
    unweighted: Unweighted = False,
    decimal: DecimalSign = None,
    accept_wide_rows: WideRows = False,
    currency: CurrencyCode = None,
    header_line: HeaderLine = None,
    sheet: SheetName = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    as_json: AsJson = False,
) -> None:
    """Price the same test rows block by block, and stop each technique as soon as it can no longer win."""
    given = dict(assignments("--set", settings, "field=value", "k=5"))
    chosen = _specs(technique, given)
    allowed = race_specs.parse_margin(margin)
    with running_stack():
        dataset, about = files.dataset_or_file(
            what,
            answers(decimal, accept_wide_rows, currency),
            quiet=as_json,
            forced=reading(header_line, sheet, encoding, delimiter),
        )
        if MEMBERS in given:
            chosen = [pricing_actions.with_members(dataset.id, spec, given[MEMBERS]) for spec in chosen]
        race_id = actions.start(
            dataset.id,
            chosen,
            allowed,
            measure=measure,
            limit=limit,
            budget_usd=dollars(budget),
            weighted=not unweighted,
        )
        try:
            watch.wait([race_id], quiet=as_json)
        except UserError:
            if not as_json:
                paused = actions.standing(race_id)
                _print(*paused, _names(paused[1]))
            raise
        job, result = actions.standing(race_id)
        if result.ended == "rows":
            watch.wait([racer.job for racer in result.left], quiet=as_json)  # they measure themselves
        elif finish and result.ended == "clear":
            _finish(result.left[0].job, quiet=as_json)
        names = _names(result)
    if as_json:
        print_json(_json(job, result, names) | about)
    else:
        _print(job, result, names)


def _specs(names: Sequence[str], given: Mapping[str, str]) -> list[specs.BaseSpec]:
    """The techniques, each with those of the settings that it has; members are found later, among a dataset's jobs.
    Raises UserError for a setting that none has."""
    fields = {name: specs.asked_fields(specs.SPECS[name]) for name in names if name in specs.SPECS}
    made = [
        specs.parse(
            {"technique": name} | {key: given[key] for key in given if key in fields.get(name, ()) and key != MEMBERS}
        )
        for name in names
    ]
    for key in given:
        if not any(key in each for each in fields.values()):
            able = list(dict.fromkeys(field for each in fields.values() for field in each))
            raise UserError(
                f"--set {key}=…: none of these techniques has such a setting; they have {', '.join(able) or 'none'}."
            )
    return made


def _finish(job_id: int, *, quiet: bool) -> None:
    if find.job(job_id).state is JobState.STOPPED:
        job_actions.retry(job_id)
    watch.wait([job_id], quiet=quiet)


def _names(result: RaceResult) -> dict[int, str]:
    jobs = actions.racing([racer.job for racer in result.racers])
    return {job_id: specs.describe(specs.parse(job.spec)) for job_id, job in jobs.items()}


def _print(job: Job, result: RaceResult, names: dict[int, str]) -> None:
    spec = RaceSpec.model_validate(job.spec["race"])
    measure = planning.measure_of(spec)
    if result.rounds:
        table, sure = Table(box=None, pad_edge=False), f"{amounts.level(spec.level)} at any time"
        for head in ("technique", "rows", measure.terminal, "worse than the one ahead", sure, "standing"):
            table.add_column(head, justify="left" if head in ("technique", "standing") else "right")
        last = result.rounds[-1]
        for racer, figure, gap in zip(result.racers, last.figures, last.gaps, strict=True):
            table.add_row(
                names.get(racer.job, f"job {racer.job}"),
                f"{racer.rows or last.rows:,}",
                measure.cell(figure) if figure is not None else "–",
                "–" if gap is None or racer.job == last.leader else f"{gap[0]:+.3g}",
                "–" if gap is None or racer.job == last.leader else f"{gap[1]:.3g} to {gap[2]:.3g}",
                sentences.exit_of(racer, names) or ("ahead" if racer.job == last.leader else "still in"),
            )
        out.print(table)
    out.print(sentences.progress(job, result))
    out.print(sentences.verdict(result, names, measure, spec))
    out.print(sentences.about(result, measure, spec))


def _json(job: Job, result: RaceResult, names: dict[int, str]) -> dict[str, Any]:
    spec = RaceSpec.model_validate(job.spec["race"])
    racers = [racer.model_dump() | {"label": names.get(racer.job, "")} for racer in result.racers]
    return (
        {
            "job": job.id,
            "dataset": job.dataset_id,
            "rows": job.items_total,
            "decided_after": result.rounds[-1].rows if result.rounds else 0,
            "best": result.left[0].job if result.ended == "clear" else None,
            "progress": sentences.progress(job, result),
            "verdict": sentences.verdict(result, names, planning.measure_of(spec), spec),
            "weighted_by": spec.weighted_by,
        }
        | result.model_dump()
        | {"racers": racers}
    )
