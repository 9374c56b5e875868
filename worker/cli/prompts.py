"""`pricewright prompts …`: the verbs of the Prompts page, for a terminal and for scripts (`--json`)."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from db import datasets
from db.engine import begin
from db.errors import NotFound
from db.types import PromptVersion
from worker.cli import find
from worker.cli.console import AsJson, out, print_json, print_lines
from worker.prompts import actions, token_count
from worker.server.up import running_stack

app = typer.Typer(
    name="prompts", no_args_is_help=True, help="The words around a product: versions of prompts, and how they look."
)

Ref = Annotated[str, typer.Argument(metavar="PROMPT", help="A name (its newest version) or name@version.")]
_ITEM = ("title", "description", "category", "brand")


@app.command("list")
def list_(
    archived: Annotated[bool, typer.Option("--archived", help="Those that are archived, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every version of every prompt, newest first."""
    with running_stack(worker=False):
        every = actions.every(archived=archived)
    if as_json:
        print_json([_as_json(prompt) for prompt in every])
        return
    table = Table(box=None)
    for heading in ("prompt", "saved", "note"):
        table.add_column(heading)
    for prompt in every:
        saved = f"{prompt.created_at:%Y-%m-%d %H:%M}" if prompt.created_at else "comes with Pricewright"
        table.add_row(prompt.ref, saved, prompt.note)
    out.print(table)


@app.command()
def show(ref: Ref, as_json: AsJson = False) -> None:
    """The words of a prompt."""
    with running_stack(worker=False):
        prompt = actions.get(ref)
    if as_json:
        print_json(_as_json(prompt))
        return
    if prompt.system:
        print_lines(f"[system]\n{prompt.system}\n\n[message]")
    print_lines(prompt.template)


@app.command()
def save(
    name: Annotated[str, typer.Argument(help="Small letters, digits, - and _.")],
    template: Annotated[Path, typer.Argument(help="A file with the Jinja2 template.")],
    system: Annotated[Path | None, typer.Option(help="A file with the system message, the same for all items.")] = None,
    note: Annotated[str, typer.Option(help="What is different about it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep a prompt as the next version of a name; what it said before stays as it was."""
    system_text = _read(system) if system else ""
    with running_stack(worker=False):
        saved = actions.save(name, system_text, _read(template), note)
    if as_json:
        print_json(_as_json(saved))
    else:
        print_lines(f"{saved.ref} is kept; use it with --set prompt={saved.ref}.")


@app.command()
def diff(old: Ref, new: Ref) -> None:
    """What changed between two versions."""
    with running_stack(worker=False):
        text = actions.diff(old, new)
    print_lines(text or "They say the same.")


@app.command()
def preview(
    ref: Ref,
    dataset: Annotated[str, typer.Option(help="Show it with a product of this dataset; default: a sample.")] = "",
    row: Annotated[int, typer.Option(min=0, help="Which row of it.")] = 0,
    model: Annotated[str, typer.Option(help="Count tokens as this model does.")] = "gemma3-270m",
    as_json: AsJson = False,
) -> None:
    """A prompt with a product in it, as it would be sent, and how many tokens that is."""
    with running_stack(worker=False):
        prompt = actions.get(ref)
        item = _item(dataset, row) if dataset else None
    shown = actions.preview(prompt.system, prompt.template, item)
    whole = f"{shown.rendered.system}\n\n{shown.rendered.user}".strip()
    counted = token_count.tokens(model, [whole])
    if as_json:
        parts = {"system": shown.rendered.system, "message": shown.rendered.user, "flag": shown.flag}
        print_json(parts | {"tokens": counted.tokens[0], "tokens_are_exact": counted.is_exact})
        return
    print_lines(whole)
    about = "" if counted.is_exact else "about "
    out.print(f"\n{about}{counted.tokens[0]:,} tokens for {model}")
    if shown.flag:
        print_lines(shown.flag)


def _item(dataset: str, row: int) -> dict[str, str]:
    shown = find.dataset(dataset)
    with begin() as session:
        items = datasets.items(session, shown.id, limit=row + 1)
    lines = items.filter(items["row"] == row).to_dicts()
    if not lines:
        raise NotFound(f"{shown.name} has no row {row}.")
    return {name: str(lines[0][name]) for name in _ITEM}


def _read(file: Path) -> str:
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    # An editor ends a file with a line break; a prompt ends where the answer goes on.
    return file.read_text(encoding="utf-8").removesuffix("\n")


def _as_json(prompt: PromptVersion) -> dict[str, Any]:
    return {"ref": prompt.ref, **asdict(prompt)}
