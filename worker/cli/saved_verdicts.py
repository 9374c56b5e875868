"""`pricewright verdicts` and `pricewright recheck`: saved verdicts, and whether they still hold."""

from datetime import date
from typing import Annotated, Any

import typer

from db.errors import NotFound, NotReady
from db.types import SavedVerdict
from worker.cli import find, watch
from worker.cli.console import AsJson, out, print_json
from worker.saved_verdicts import actions, facts
from worker.server.up import running_stack

app = typer.Typer()

NO_LONGER = 3
"""The exit code of a recheck that found a verdict which no longer holds."""

OneOrAll = Annotated[str, typer.Argument(metavar="[DATASET]", help="Number or name; default: all datasets.")]


@app.command()
def verdicts(
    what: OneOrAll = "",
    delete: Annotated[int | None, typer.Option(help="Forget the saved verdict with this number.")] = None,
    as_json: AsJson = False,
) -> None:
    """List saved verdicts: what was chosen, when, and until when it is good."""
    with running_stack(worker=False):
        dataset_id = find.dataset(what).id if what else None
        if delete is not None:
            if delete not in {each.id for each in actions.kept(dataset_id)}:
                raise NotFound(
                    f"There is no saved verdict {delete} here; `pricewright verdicts` lists those there are."
                )
            actions.forget(delete)
        kept = [(each, actions.best_before(each)) for each in actions.kept(dataset_id)]
    if as_json:
        print_json([_json(*each) for each in kept])
        return
    for each, day in kept:
        _print(each, day)
    if not kept:
        out.print("No verdict is saved; `pricewright choose DATASET … --save` and `compare DATASET --save` keep one.")


@app.command()
def recheck(
    what: OneOrAll = "",
    verdict: Annotated[
        list[int] | None, typer.Option("--verdict", help="Only this saved verdict; say it for each. Default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look whether saved verdicts still hold: models gone, prices changed, data drifted. Exit code 0: all hold, 3: one
    or more no longer do."""
    with running_stack():
        wanted = find.dataset(what).id if what else None
        kept = {each.id: each for each in actions.kept(wanted) if not verdict or each.id in verdict}
        if missing := sorted(set(verdict or ()) - set(kept)):
            raise NotFound(
                f"There is no saved verdict {missing[0]} here; `pricewright verdicts` lists those there are."
            )
        if not kept:
            there = f" on dataset {wanted}" if wanted else ""
            raise NotReady(f"No verdict is saved{there}; `pricewright choose DATASET … --save` keeps one.")
        by_dataset: dict[int, list[int]] = {}
        for each in kept.values():
            by_dataset.setdefault(each.dataset_id, []).append(each.id)
        job_ids = [actions.recheck(dataset_id, ids) for dataset_id, ids in sorted(by_dataset.items())]
        watch.wait(job_ids, quiet=as_json)
        reports = [report for job_id in job_ids if (report := actions.report(job_id))]
        found = [(each, kept[each.verdict]) for report in reports for each in report.verdicts]
        days = {saved.id: actions.best_before(saved) for _, saved in found}
    if as_json:
        lines = [
            _json(saved, days[saved.id]) | {"holds": each.holds} | each.model_dump(mode="json") for each, saved in found
        ]
        print_json({"holds": all(each.holds for each, _ in found), "verdicts": lines})
    else:
        for one, saved in found:
            _print(saved, days[saved.id])
            out.print("  It holds." if one.holds else "  It no longer holds.", style="green" if one.holds else "red")
            for sentence in (*one.reasons, *one.notes, one.anew):
                out.print(f"  {sentence}", soft_wrap=True)
    if not all(each.holds for each, _ in found):
        raise typer.Exit(NO_LONGER)


def _missing(verdict_id: int) -> NotFound:
    return NotFound(f"There is no saved verdict {verdict_id} here; `pricewright verdicts` lists those there are.")


def _print(saved: SavedVerdict, day: date | None) -> None:
    kept = facts.parse(saved.facts)
    good = f"best before {day}" if day else "no end known"
    out.print(f"Verdict {saved.id} on {kept.dataset}, saved {saved.created_at:%Y-%m-%d}, {good}:", soft_wrap=True)
    out.print(f"  {kept.sentence}", soft_wrap=True)


def _json(saved: SavedVerdict, day: date | None) -> dict[str, Any]:
    about = {"id": saved.id, "dataset": saved.dataset_id, "created_at": saved.created_at, "best_before": day}
    return about | {"facts": saved.facts}
