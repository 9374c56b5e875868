"""`pricewright price FILE --with NAME`: a file goes in, and comes back priced."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from db import datasets
from db.engine import begin
from db.errors import NotReady
from worker import amounts
from worker.batches import actions as batches
from worker.cli import cautions, files, handed_back, watch
from worker.cli.console import out, print_json, warn
from worker.datasets.answers import Answers
from worker.pricers import actions
from worker.pricing import export
from worker.pricing.priced_file import actions as priced_file
from worker.server.up import running_stack


def price(
    name: str,
    what: str,
    to: Path | None,
    rest: Path | None,
    said: Answers,
    cap_usd: Decimal | None,
    *,
    forced: Mapping[str, Any],
    quiet: bool,
    mapping: dict[str, str],
    yes: bool,
) -> None:
    """Price every row with the version of a pricer that is in use, and write the priced file; of a file without `to`
    beside where the command runs; and into `rest` what a person has to look at. Raises UserError."""
    handed_back.check_early(what, to)
    if rest is not None:
        export.check(rest)
    with running_stack():
        pricer = actions.named(name)
        if refused := actions.refusal(pricer):
            raise NotReady(refused)
        with begin() as session:
            source = datasets.get(session, pricer.source_id)
        dataset, about = files.dataset_or_file(
            what, said, quiet=quiet, like=source, forced=forced, mapping=mapping, yes=yes
        )
        is_file = bool(about)
        target = Path(priced_file.name_of(dataset)) if to is None and is_file else to
        handed_back.check(dataset, target, is_file=is_file)
        warnings = actions.cautions(pricer)
        for sentence in warnings if not quiet else ():
            warn(sentence)
        job_id = actions.start(pricer, dataset.id, cap_usd=cap_usd)
        batch = batches.record(pricer, job_id)
        watch.wait([job_id], quiet=quiet)
        batches.settle_one(batch)
        warnings += cautions.say_unlike([job_id], quiet=quiet)
        wish = {"hit_rate": pricer.hit_rate, "within": pricer.within}
        if target is not None:
            handed_back.write(job_id, target, is_file=is_file, **wish)
        lines, _ = priced_file.said(job_id, **wish)
        if rest is not None:
            export.write(priced_file.for_a_person(job_id, **wish), rest)
    flags = priced_file.counted(lines)
    if quiet:
        told = {
            "pricer": pricer.name,
            "version": pricer.version,
            "batch": batch.id,
            "dataset": dataset.id,
            "job": job_id,
            "flags": flags,
        }
        print_json(told | {"batch": batch.id, "written": target and str(target), "warnings": warnings} | about)
        return
    counted = amounts.listed([f"{rows:,} {flag}" for flag, rows in flags.items()]) if flags else "none"
    where = f" {Path(what).name} with prices is in {target}." if target else ""
    if rest is not None:
        where += f" What a person has to look at is in {rest}."
    out.print(f"{dataset.name}, priced by {name}, version {pricer.version}; its rows: {counted}.{where}")
