"""`pricewright price`, `curve`, `compare`, `choose`: the verbs of the pages Run and Trade-offs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from db import jobs, predictions
from db.engine import begin
from db.errors import NotReady, UserError
from db.types import Dataset, JobKind, SavedVerdict, Split
from worker import amounts, specs
from worker.cli import cautions, files, find, handed_back, tables, watch, with_pricer
from worker.cli.console import AsJson, err, out, print_json, warn
from worker.cli.options import (
    Cap,
    Columns,
    CurrencyCode,
    DatasetName,
    DecimalSign,
    Delimiter,
    Encoding,
    HeaderLine,
    LowerEnds,
    SheetName,
    Unweighted,
    WideRows,
    Yes,
    answers,
    assignments,
    dollars,
    mapped,
    reading,
)
from worker.datasets import money
from worker.evaluation import cross_fit
from worker.evaluation.choice import Limits
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import actions, comparison, export
from worker.refits import actions as refits
from worker.saved_verdicts import actions as saved_verdicts
from worker.server.up import running_stack
from worker.sources import actions as sources

app = typer.Typer()

DatasetOrFile = Annotated[str, typer.Argument(help="A dataset (number or name) or a file to load first.")]
Save = Annotated[bool, typer.Option("--save", help="Keep the verdict: pricewright recheck says if it still holds.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="field=value of the technique's spec.")]


@app.command()
def price(
    what: DatasetOrFile,
    technique: Annotated[
        list[str] | None,
        typer.Option(help="Technique name; repeat it for several. With --learn-from: what did best there, if none."),
    ] = None,
    learn_from: Annotated[
        list[str] | None,
        typer.Option("--learn-from", help="Dataset (number or name) to learn from instead; repeat it for several."),
    ] = None,
    rows: Annotated[
        str,
        typer.Option(help="test = measure, unpriced = rows without a price, both = both; with --learn-from: all."),
    ] = "both",
    limit: Annotated[int | None, typer.Option(min=1, help="Price a sample of this many rows.")] = None,
    settings: Settings = None,
    adapter: Annotated[str, typer.Option(help="For finetuned: its number, or the beginning of it.")] = "",
    pricer: Annotated[
        str, typer.Option("--with", help="Price every row with this pricer instead (`pricewright pricers list`).")
    ] = "",
    to: Annotated[Path | None, typer.Option("--out", help=handed_back.HELP)] = None,
    rest: Annotated[
        Path | None,
        typer.Option("--for-a-person", help=f"With --with: also write what a person has to look at: {export.ENDINGS}."),
    ] = None,
    cap: Cap = None,
    decimal: DecimalSign = None,
    accept_wide_rows: WideRows = False,
    columns: Columns = None,
    yes: Yes = False,
    currency: CurrencyCode = None,
    lower_ends: LowerEnds = False,
    header_line: HeaderLine = None,
    sheet: SheetName = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    as_json: AsJson = False,
) -> None:
    """Price a dataset (or a file) with one or more techniques and say how wrong and how dear each was.

    With --learn-from the techniques learn from another dataset: what was fitted there is used as it is, and every row
    is priced. With --with a pricer does that, without any setting: FILE comes back priced, as --out or beside you as
    FILE-priced. Exits 3, with nothing loaded, where it is not sure which column of FILE holds title or price."""
    forced = reading(header_line, sheet, encoding, delimiter)
    if pricer:
        if technique or learn_from or settings or adapter or limit is not None or rows != "both":
            raise UserError("--with takes all from the pricer; say nothing else but --out, --for-a-person and --cap.")
        alone = answers(decimal, accept_wide_rows, lower_ends=lower_ends)
        with_pricer.price(
            pricer,
            what,
            to,
            rest,
            alone,
            dollars(cap),
            forced=forced,
            quiet=as_json,
            mapping=mapped(columns),
            yes=yes,
        )
        return
    if rest is not None:
        raise UserError("--for-a-person belongs to --with.")
    split = _split(rows)
    chosen, members = _specs(technique or [], settings, adapter)
    if not chosen and not learn_from:
        raise UserError("Say --technique; or --learn-from a dataset, to take what did best there.")
    if to is not None and len(chosen) > 1:
        raise UserError("--out holds the predictions of one technique; name only one.")
    handed_back.check_early(what, to)
    with running_stack():
        source = files.source(learn_from, quiet=as_json) if learn_from else None
        answered = answers(decimal, accept_wide_rows, currency, lower_ends=lower_ends)
        dataset, about = files.dataset_or_file(
            what, answered, quiet=as_json, like=source, forced=forced, mapping=mapped(columns), yes=yes
        )
        known = source or dataset
        handed_back.check(dataset, to, is_file=bool(about))
        chosen = chosen or [_best(known, quiet=as_json)]
        if members:
            chosen = [actions.with_members(known.id, spec, members) for spec in chosen]
        if source is None:
            _propose(dataset, chosen, quiet=as_json)
        warnings = list(filter(None, [sources.caution(source, dataset) if source else _small(dataset)]))
        warnings += actions.busy_members(dataset.id, chosen, known.id)
        for sentence in warnings if not as_json else ():
            warn(sentence)
        job_ids = actions.start(dataset.id, chosen, split, limit, cap_usd=dollars(cap), source_id=known.id)
        _write_in_currency_of(job_ids)
        warnings += cautions.say(job_ids, quiet=as_json)
        watch.wait(job_ids, quiet=as_json)
        warnings += cautions.say_unlike(job_ids, quiet=as_json)
        if to is not None:
            handed_back.write(job_ids[0], to, is_file=bool(about))
        report = comparison.of_jobs(job_ids)
        promises = comparison.promises(job_ids)
        said = "" if report else _priced(job_ids)
    if as_json:
        told = {"dataset": dataset.id, "source": known.id, "jobs": job_ids, "rows": report, "warnings": warnings}
        print_json(told | {"promises": promises} | about)
    else:
        out.print(tables.comparison(report) if report else said)
        for table in tables.combinations(report):
            out.print(table)


@app.command()
def curve(
    what: DatasetOrFile,
    technique: Annotated[str, typer.Option(help="multi-shot or rag.")] = "rag",
    limit: Annotated[int, typer.Option(min=1, help="Price a sample of this many test rows.")] = 100,
    settings: Settings = None,
    cap: Cap = None,
    decimal: DecimalSign = None,
    accept_wide_rows: WideRows = False,
    columns: Columns = None,
    yes: Yes = False,
    currency: CurrencyCode = None,
    header_line: HeaderLine = None,
    sheet: SheetName = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    as_json: AsJson = False,
) -> None:
    """Price a sample with 0, 1, 3, 5, 10 and 20 examples or neighbours, to see whether more context pays."""
    spec = specs.parse({"technique": technique} | _settings(settings))
    with running_stack():
        said = answers(decimal, accept_wide_rows, currency)
        forced = reading(header_line, sheet, encoding, delimiter)
        dataset, about = files.dataset_or_file(
            what, said, quiet=as_json, forced=forced, mapping=mapped(columns), yes=yes
        )
        job_ids = actions.start_curve(dataset.id, spec, limit, cap_usd=dollars(cap))
        warnings = cautions.say(job_ids, quiet=as_json)
        watch.wait(job_ids, quiet=as_json)
        report = comparison.curve(job_ids)
    if as_json:
        print_json({"dataset": dataset.id, "jobs": job_ids, "warnings": warnings} | report | about)
    else:
        out.print(tables.curve(report))


@app.command()
def compare(
    what: DatasetName,
    job: Annotated[
        list[int] | None, typer.Option("--job", help="Only this job; say it for each. Default: all.")
    ] = None,
    measure: Annotated[str, typer.Option(help=f"What decides: {', '.join(DECIDING)}.")] = USUAL,
    unweighted: Unweighted = False,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Compare finished jobs of a dataset on the rows that all of them priced."""
    if measure not in DECIDING:
        raise UserError(f"--measure must be one of {', '.join(DECIDING)}.")
    with running_stack(worker=False):
        dataset = find.dataset(what)
        with begin() as session:
            every = jobs.all(session, dataset.id, JobKind.PRICE)
            compared = comparison.taken(dataset, every, job or ())
            left_out = [] if job else comparison.left_out(every, compared)
        report = comparison.of_jobs(compared, measure, weighted=not unweighted)
        saved = saved_verdicts.save(dataset.id, compared, measure, weighted=not unweighted) if save else []
        warnings = cautions.say(compared, quiet=as_json)
        if left_out and not as_json:
            err.print(f"{len(left_out)} steps of context curves are left out; --job takes them.")
    if as_json:
        about = {"dataset": dataset.id, "currency": dataset.currency}
        print_json(about | {"rows": report, "warnings": warnings, "left_out": left_out} | _saved(saved))
    elif not report:
        out.print(f"Nothing is priced in {dataset.name} yet: pricewright price {dataset.id} --technique constant")
    else:
        out.print(tables.comparison(report))
        for table in tables.combinations(report):
            out.print(table)
        _print_saved(saved)


@app.command()
def choose(
    what: DatasetName,
    error: Annotated[
        float | None,
        typer.Option("--error-below", min=0, help="Cheapest that errs no more; of within: that hits as often."),
    ] = None,
    usd: Annotated[
        float | None, typer.Option("--usd-below", min=0, help="Best that costs no more dollars per 1,000 items.")
    ] = None,
    ms: Annotated[
        float | None, typer.Option("--ms-below", min=0, help="Fastest that takes no more milliseconds an item.")
    ] = None,
    measure: Annotated[str, typer.Option(help=f"What errs is measured by: {', '.join(DECIDING)}.")] = USUAL,
    job: Annotated[
        list[int] | None, typer.Option("--job", help="Only this job; say it for each. Default: all.")
    ] = None,
    unweighted: Unweighted = False,
    save: Save = False,
    as_json: AsJson = False,
) -> None:
    """Choose among finished jobs: the cheapest, best or fastest within limits, and what can't be told apart from it."""
    if measure not in DECIDING:
        raise UserError(f"--measure must be one of {', '.join(DECIDING)}.")
    limits = Limits(error, usd, ms)
    if not limits.questions():
        raise UserError("Say a limit: --error-below, --usd-below or --ms-below; several hold together.")
    with running_stack(worker=False):
        dataset = find.dataset(what)
        with begin() as session:
            compared = comparison.taken(dataset, jobs.all(session, dataset.id, JobKind.PRICE), job or ())
        chosen = comparison.choose(compared, limits, measure, weighted=not unweighted)
        saved = saved_verdicts.save(dataset.id, compared, measure, limits, weighted=not unweighted) if save else []
    if as_json:
        print_json({"dataset": dataset.id, "measure": measure, "choices": chosen} | _saved(saved))
        return
    for each in chosen:
        out.print(each["sentence"])
    _print_saved(saved)


def _split(rows: str) -> Split | None:
    """The side that --rows means. Raises UserError."""
    sides = {"test": Split.TEST, "unpriced": Split.UNPRICED, "both": None}
    if rows not in sides:
        raise UserError("--rows must be test, unpriced or both.")
    return sides[rows]


def _specs(names: Sequence[str], settings: list[str] | None, adapter: str) -> tuple[list[specs.BaseSpec], str]:
    """The specs that were named with their settings, and what was said of `members`. Raises UserError."""
    adapted = [name for name, kind in specs.SPECS.items() if kind.needs_adapter]
    if adapter and not set(adapted) & set(names):
        raise UserError(f"--adapter belongs to --technique {' or '.join(adapted)}.")
    own = {name: {"adapter": adapter} for name in adapted} if adapter else {}
    given = _settings(settings)
    members = str(given.pop("members", ""))
    if given and not names:
        raise UserError("--set belongs to --technique; name one.")
    chosen = [specs.parse({"technique": name} | given | own.get(name, {})) for name in names]
    if members and not any(isinstance(spec, specs.CombinedSpec) for spec in chosen):
        raise UserError("--set members=… belongs to --technique ensemble or cascade.")
    return chosen, members


def _small(dataset: Dataset) -> str:
    advice = refits.advice(dataset)
    if not advice or cross_fit.too_few(refits.priced_rows(dataset)):
        return advice
    return f"{advice} pricewright cross-fit {dataset.id}"


def _best(source: Dataset, *, quiet: bool) -> specs.BaseSpec:
    """What did best where nobody named a technique, and why it is taken."""
    with amounts.written_in(money.of(source)):
        best = sources.best(source)
    if not quiet:
        out.print(best.sentence)
    return best.spec


def _propose(dataset: Dataset, chosen: Sequence[specs.BaseSpec], *, quiet: bool) -> None:
    """Say what to learn from instead where a table has too few rows with a price. Raises NotReady where it has none."""
    if not any(spec.learns for spec in chosen):
        return
    proposal = sources.propose(dataset.id)
    if proposal is None:
        return
    sentence = f"{proposal.sentence(dataset)} Learn from it with --learn-from {proposal.source.id}."
    if not dataset.splits.get(Split.TRAIN, 0):
        raise NotReady(sentence)
    if not quiet:
        warn(sentence)


def _write_in_currency_of(job_ids: Sequence[int]) -> None:
    """Have prices written in the currency of the jobs: the source's, where the table has none."""
    for job_id in job_ids[:1]:
        find.job(job_id)


def _priced(job_ids: Sequence[int]) -> str:
    """How many rows got a price, where none has a known one to be measured against."""
    with begin() as session:
        said = [(tables.job_label(job), predictions.of_job(session, job.id)) for job in jobs.some(session, job_ids)]
    return "\n".join(
        f"{name}: {frame['price'].count():,} of {amounts.count(len(frame), 'row')} priced." for name, frame in said
    )


def _saved(saved: Sequence[SavedVerdict]) -> dict[str, Any]:
    return {"saved": [each.id for each in saved]} if saved else {}


def _print_saved(saved: Sequence[SavedVerdict]) -> None:
    for each in saved:
        good = f", best before {each.best_before}" if each.best_before else ""
        out.print(f"Saved as verdict {each.id}{good}; `pricewright recheck` says whether it still holds.")


def _settings(pairs: list[str] | None) -> dict[str, object]:
    return dict(assignments("--set", pairs, "field=value", "k=5"))
