"""`pricewright finetune …`: the verbs of the Fine-tune page, for a terminal and for scripts (`--json`)."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from db.engine import begin
from db.errors import UserError
from db.types import Adapter, Dataset, Job, Split
from worker.adapters import actions
from worker.amounts import duration
from worker.cli import find, watch
from worker.cli.console import AsJson, out, print_json, warn
from worker.cli.options import DatasetName, assignments, dollars
from worker.finetune import actions as finetune_actions
from worker.finetune import planning
from worker.server.up import running_stack
from worker.specs import finetune as specs_finetune
from worker.specs.finetune import TrainSpec
from worker.specs.forms import CHOICES

app = typer.Typer()

Preset = Annotated[str, typer.Option(help=f"What to start from: {', '.join(specs_finetune.PRESETS)}.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="field=value, for every other field of the settings.")]


@app.command()
def finetune(
    what: DatasetName,
    preset: Preset = "quick",
    form: Annotated[str | None, typer.Option(help=CHOICES)] = None,
    rows: Annotated[int | None, typer.Option(min=0, help="Rows to learn from; 0 = the whole train side.")] = None,
    model: Annotated[str | None, typer.Option(help="Base model; endpoint:model tunes it there.")] = None,
    epochs: Annotated[float | None, typer.Option(help="How often it sees each row.")] = None,
    settings: Set = None,
    task: Annotated[str, typer.Option(help="What the adapter is for; default: the dataset's name.")] = "",
    cap: Annotated[float | None, typer.Option(min=0, help="Dollars it may pay to an endpoint.")] = None,
    only_estimate: Annotated[bool, typer.Option("--estimate", help="Time a few steps, say what it takes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train an adapter on a dataset with prices, see what it forgot, and say how good it is."""
    chosen = {"form": form, "rows": rows, "model": model, "epochs": epochs}
    spec = _spec(preset, {name: value for name, value in chosen.items() if value is not None}, settings)
    with running_stack():
        dataset = find.dataset(what)
        if only_estimate:
            _estimate(dataset, spec, as_json)
            return
        job_id = finetune_actions.start(dataset.id, spec, task=task, cap_usd=dollars(cap))
        caution = finetune_actions.caution(dataset.id, spec)
        if caution and not as_json:
            warn(caution)
        job = watch.wait_for_training(job_id, quiet=as_json)
        with begin() as session:
            adapter = planning.made_by(session, job)
        if adapter is None:
            raise UserError(f"The adapter of job {job_id} was deleted.")
        _report(job, adapter, caution, as_json)


@app.command("finetune-export")
def export(
    what: DatasetName,
    file: Annotated[Path, typer.Argument(help="Where to write the JSONL.")],
    preset: Preset = "quick",
    rows: Annotated[int | None, typer.Option(min=0, help="Rows to learn from; 0 = the whole train side.")] = None,
    settings: Set = None,
    validation: Annotated[bool, typer.Option("--validation", help="Write the validation rows instead.")] = False,
) -> None:
    """Write the rows to learn from as JSONL in the chat format, to tune a model anywhere else."""
    spec = _spec(preset, {} if rows is None else {"rows": rows}, settings)
    with running_stack(worker=False):
        jsonl = finetune_actions.export(find.dataset(what).id, spec, Split.VALIDATION if validation else Split.TRAIN)
    file.write_bytes(jsonl)
    out.print(f"{len(jsonl.splitlines()):,} examples are in {file}.")


@app.command("finetune-stop")
def stop(job_id: int) -> None:
    """End a training early; the best checkpoint so far becomes the adapter. At an endpoint there is none: cancel it."""
    with running_stack(worker=False):
        finetune_actions.stop(job_id)
    out.print(f"Job {job_id} ends at its next step and keeps the best it has.")


def _spec(preset: str, chosen: dict[str, Any], pairs: list[str] | None) -> TrainSpec:
    """What flags and --set say on top of the preset; a field of several values is given several times."""
    values: dict[str, Any] = dict(chosen)
    for field, value in assignments("--set", pairs, "field=value", "rank=8"):
        values[field] = (*values.get(field, ()), value) if field == "categories" else value
    return specs_finetune.parse(values, preset)


def _estimate(dataset: Dataset, spec: TrainSpec, as_json: bool) -> None:
    if not spec.uses_endpoint:
        watch.wait_for_training(finetune_actions.measure(dataset.id, spec), quiet=as_json)
    estimate = finetune_actions.estimate(dataset.id, spec)
    assert estimate is not None  # the pilot is done
    if as_json:
        print_json(asdict(estimate) | {"warnings": [estimate.caution] if estimate.caution else []})
        return
    if estimate.seconds is not None and estimate.low is not None and estimate.high is not None:
        span = f"{duration(estimate.low)} to {duration(estimate.high)}"
        out.print(f"{duration(estimate.seconds)} ({span}), {estimate.steps:,} steps")
    out.print("cost unknown" if estimate.usd is None else f"${estimate.usd:.4f}")
    out.print(estimate.basis)
    if estimate.caution:
        warn(estimate.caution)


def _report(job: Job, adapter: Adapter, caution: str, as_json: bool) -> None:
    objection = actions.gate_objection(adapter)
    is_known = not (job.fixed_unknown or adapter.metrics.get("cost_unknown"))
    usd = float(job.fixed_usd) if is_known else None
    if as_json:
        about = {"adapter": adapter.id, "job": job.id, "dataset": adapter.dataset_id, "task": adapter.task}
        measured = {"metrics": adapter.metrics, "gate_report": adapter.gate_report, "objection": objection}
        about |= {"warnings": [caution] if caution else []}
        print_json(about | measured | {"seconds": job.fixed_seconds, "usd": usd})
        return
    out.print(f"Adapter {adapter.id[:12]} for {adapter.task}, from {adapter.train_rows:,} rows")
    figures = {name: value for name, value in adapter.metrics.items() if type(value) in (int, float)}
    out.print(", ".join(f"{name.replace('_', ' ')} {_figure(value)}" for name, value in figures.items()))
    out.print(f"{duration(job.fixed_seconds)}, {'cost unknown' if usd is None else f'${usd:.4f}'}")
    if objection:
        out.print(Text("The gate objects:", style="red"), objection)
    else:
        out.print("The gate does not object: nothing that it measured is surely worse than allowed.")
    out.print(f"Price with it: pricewright price DATASET --technique finetuned --adapter {adapter.id[:12]}")


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
