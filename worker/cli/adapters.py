"""`pricewright adapters …`: the verbs of the Adapters page, for a terminal and for scripts (`--json`)."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from db import adapters
from db.engine import begin
from db.types import Adapter
from worker import amounts
from worker.adapters import actions
from worker.cli import find, watch
from worker.cli.console import AsJson, out, print_json, print_lines
from worker.server.up import running_stack

app = typer.Typer(
    name="adapters", no_args_is_help=True, help="What fine-tunes brought: which is in production, and who decided so."
)

Ref = Annotated[str, typer.Argument(metavar="ADAPTER", help="Its number, or the beginning of it.")]
Task = Annotated[str, typer.Argument(metavar="TASK", help="What the adapters are for.")]
Why = Annotated[str, typer.Option(help="The reason; it is kept.")]


@app.command("list")
def list_(
    dataset: Annotated[str, typer.Option(help="Only those that learned from this dataset (number or name).")] = "",
    as_json: AsJson = False,
) -> None:
    """Every adapter, newest first."""
    with running_stack(worker=False):
        dataset_id = find.dataset(dataset).id if dataset else None
        with begin() as session:
            every = adapters.all(session, dataset_id)
        if as_json:
            print_json([_as_json(adapter) for adapter in every])
        else:
            out.print(_table(every))


def _table(every: Sequence[Adapter]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("adapter", "task", "state", "base", "form", "dataset"):
        table.add_column(name)
    for name in ("rows", "MAE", "$", "seconds"):
        table.add_column(name, justify="right")
    table.add_column("the gate")
    for adapter in every:
        mae = adapter.metrics.get("mae")
        table.add_row(
            adapter.id[:12],
            adapter.task,
            str(adapter.state),
            adapter.base,
            adapter.form,
            adapter.dataset_name,
            f"{adapter.train_rows:,}",
            "–" if mae is None else amounts.plain(mae, 1),
            "unknown" if adapter.metrics.get("cost_unknown") else f"{adapter.usd:.4f}",
            f"{adapter.seconds:,.0f}",
            "objects" if actions.gate_objection(adapter) else "lets it pass",
        )
    return table


@app.command()
def show(ref: Ref, as_json: AsJson = False) -> None:
    """The card of an adapter: base, data, settings, figures, what it forgot, history."""
    with running_stack(worker=False):
        card = actions.card(ref)
        with begin() as session:
            adapter = adapters.get(session, ref)
        if as_json:
            print_json(_as_json(adapter) | {"card": card})
        else:
            print_lines(card)


@app.command()
def measure(ref: Ref, as_json: AsJson = False) -> None:
    """Measure again what an adapter forgot, against what is in production now."""
    with running_stack():
        watch.wait_for_training(actions.measure(ref), quiet=as_json)
        with begin() as session:
            adapter = adapters.get(session, ref)
        objection = actions.gate_objection(adapter)
    if as_json:
        print_json({"adapter": adapter.id, "gate_report": adapter.gate_report, "objection": objection})
    else:
        out.print(f"The gate objects: {objection}" if objection else "The gate does not object.")


@app.command()
def promote(
    ref: Ref,
    why: Why,
    override: Annotated[str, typer.Option(help="Why it goes there although the gate objects.")] = "",
    as_json: AsJson = False,
) -> None:
    """Put an adapter into production for its task, unless the gate objects."""
    with running_stack(worker=False):
        _moved(actions.promote(ref, why, override=override), as_json)


@app.command()
def retire(ref: Ref, why: Why, as_json: AsJson = False) -> None:
    """Take an adapter out of production, or give a candidate up."""
    with running_stack(worker=False):
        _moved(actions.retire(ref, why), as_json)


@app.command()
def rollback(task: Task, why: Why, as_json: AsJson = False) -> None:
    """Bring back the adapter that was in production before the present one."""
    with running_stack(worker=False):
        _moved(actions.roll_back(task, why), as_json)


@app.command()
def delete(ref: Ref) -> None:
    """Remove an adapter and its files; its history stays."""
    with running_stack(worker=False):
        actions.delete(ref)
    out.print("It is deleted.")


@app.command()
def download(ref: Ref, file: Annotated[Path, typer.Argument(help="Where to write the zip.")]) -> None:
    """Write an adapter as a zip that peft reads, with its card."""
    with running_stack(worker=False):
        packed = actions.download(ref)
    file.write_bytes(packed)
    out.print(f"{len(packed):,} bytes are in {file}.")


@app.command()
def history(
    task: Annotated[str, typer.Argument(metavar="[TASK]", help="Only what happened for this task.")] = "",
    adapter: Annotated[str, typer.Option(help="Only what happened to this adapter.")] = "",
    as_json: AsJson = False,
) -> None:
    """Who moved which adapter from where to where, and why; newest first."""
    with running_stack(worker=False), begin() as session:
        # The history outlives its adapters, so a number that is given whole need not be found.
        adapter_id = (adapter if len(adapter) == 64 else adapters.get(session, adapter).id) if adapter else None
        changes = adapters.history(session, adapter_id=adapter_id, task=task or None)
    if as_json:
        print_json([asdict(change) for change in changes])
        return
    table = Table(box=None, pad_edge=False)
    for name in ("when", "adapter", "task", "change", "who", "why", "objection that was overridden"):
        table.add_column(name)
    for change in changes:
        texts = (change.task, f"{change.before} → {change.after}", change.who, change.why, change.overrides)
        table.add_row(f"{change.at:%Y-%m-%d %H:%M}", change.adapter_id[:12], *texts)
    out.print(table)


def _moved(adapter: Adapter, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(adapter))
    else:
        out.print(f"Adapter {adapter.id[:12]} is now {adapter.state} for {adapter.task}.")


def _as_json(adapter: Adapter) -> dict[str, Any]:
    return asdict(adapter) | {"objection": actions.gate_objection(adapter)}
