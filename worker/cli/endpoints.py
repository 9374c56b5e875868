"""`pricewright endpoints …`: where language models answer, what they can do and what they cost, for a terminal."""

import getpass
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from db import endpoints as stored
from db.engine import begin
from db.types import Endpoint, Tariff
from worker import amounts
from worker.cli.console import AsJson, out, print_json
from worker.endpoints import actions, vault
from worker.endpoints.presets import OTHER, PRESETS
from worker.server.up import running_stack

app = typer.Typer(
    name="endpoints", no_args_is_help=True, help="Where language models answer: add, test and price endpoints."
)

Name = Annotated[str, typer.Argument(help="The endpoint's name; models are called NAME:MODEL.")]
Model = Annotated[str, typer.Argument(help="The model as the endpoint calls it.")]


@app.command("list")
def list_(
    archived: Annotated[bool, typer.Option("--archived", help="Those that are archived, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the endpoints."""
    with running_stack(worker=False), begin() as session:
        every = [each for each in stored.all(session) if archived or each.archived_at is None]
    if as_json:
        print_json([asdict(endpoint) for endpoint in every])
        return
    table = Table("Name", "Address", "Key in", "Prices of", "Models", "Tested", box=None)
    for endpoint in every:
        tested = f"{endpoint.tested_at:%Y-%m-%d %H:%M}" if endpoint.tested_at else "never"
        table.add_row(
            endpoint.name, endpoint.base_url, _key(endpoint), endpoint.provider or "-",
            str(len(endpoint.models)), tested,
        )  # fmt: skip
    out.print(table)


def _key(endpoint: Endpoint) -> str:
    return f"entered (••••{endpoint.key_last})" if endpoint.key_id else endpoint.key_env or "-"


@app.command()
def add(
    name: Name,
    preset: Annotated[str, typer.Option(help=", ".join(PRESETS))] = OTHER,
    url: Annotated[str, typer.Option(help="Base address, for example https://host/v1.")] = "",
    key_env: Annotated[str | None, typer.Option(help="NAME of the environment variable with the key.")] = None,
    provider: Annotated[str | None, typer.Option(help="Whose prices hold, as genai-prices names it.")] = None,
    api_version: Annotated[str, typer.Option(help="Azure only.")] = "",
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="Default: as its answers say.")] = None,
    max_concurrency: Annotated[int | None, typer.Option(min=1, help="Calls at once, at most.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds until a call is given up.")] = None,
) -> None:
    """Add an endpoint. Its key stays in the environment, or is entered with `endpoints key`."""
    with running_stack(worker=False):
        endpoint = actions.add(
            name, preset, base_url=url, key_env=key_env, provider=provider, api_version=api_version,
            requests_per_minute=requests_per_minute, max_concurrency=max_concurrency, timeout_seconds=timeout,
        )  # fmt: skip
    out.print(
        f"Endpoint {endpoint.name} at {endpoint.base_url} is there; `pricewright endpoints test {name}` tries it."
    )


@app.command()
def key(
    name: Name,
    forget: Annotated[bool, typer.Option("--forget", help="Take away the key that was entered.")] = False,
) -> None:
    """Enter the key of an endpoint, at the prompt or on stdin: it is kept encrypted, for its address alone."""
    # Asked before anything is started. Never an argument: every user of the machine can list those.
    text = "" if forget else _secret_line(f"Key of {name}")
    with running_stack(worker=False):
        endpoint = actions.forget_key(name) if forget else actions.set_key(name, text)
    if forget:
        out.print(f"Endpoint {name} has no key that was entered any more.")
    else:
        out.print(f"The key of {name} is kept encrypted (••••{endpoint.key_last}) for {endpoint.base_url}.")


def _secret_line(about: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{about}: ")
    return sys.stdin.readline(vault.LONGEST + 2).strip()


@app.command("renew-secret")
def renew_secret() -> None:
    """Encrypt all entered keys anew, with the first of PRICEWRIGHT_SECRET_KEY or a new secret of the data folder."""
    with running_stack(worker=False):
        count = actions.renew_secret()
    out.print(f"{amounts.count(count, 'key')} encrypted anew; older secrets are not needed any more.")


@app.command()
def remove(name: Name) -> None:
    """Remove an endpoint that no job, adapter or pricer needs; stored answers stay."""
    with running_stack(worker=False):
        actions.remove(name)
    out.print(f"Endpoint {name} is gone.")


@app.command()
def models(name: Name, as_json: AsJson = False) -> None:
    """Ask an endpoint which models it has."""
    with running_stack(worker=False):
        listed = actions.list_models(name)
    if as_json:
        print_json([asdict(model) for model in listed])
        return
    table = Table("Model", "Ends", "Context", "Known to", box=None)
    for model in listed:
        able = ", ".join(
            ability for ability in ("logprobs", "json_schema", "tools", "batch") if model.abilities.get(ability)
        )
        table.add_row(model.id, model.shutdown_date or "-", f"{model.context:,}" if model.context else "-", able or "-")
    out.print(table)


@app.command()
def ends(
    name: Name,
    model: Model,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which the model is shut down.")
    ] = None,
    unknown: Annotated[bool, typer.Option("--unknown", help="Take back what was entered.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say when a model ends, or enter it: that holds over what the endpoint says, and verdicts go by it."""
    with running_stack(worker=False):
        if on is not None or unknown:
            actions.set_end(name, model, on.date() if on else None)
        with begin() as session:
            known = stored.get(session, name).model(model)
    if as_json:
        print_json(asdict(known))
        return
    who = "as you entered it" if known.is_end_entered else "as the endpoint says"
    said = f"ends on {known.shutdown_date}, {who}" if known.shutdown_date else "ends on a day that nobody named"
    out.print(f"{name}:{model} {said}.")


@app.command("test")
def try_(
    name: Name,
    model: Annotated[str, typer.Option(help="Default: the first it lists.")] = "",
    as_json: AsJson = False,
) -> None:
    """Try an endpoint with three tiny questions and say what works; exit code 1 when nothing does."""
    with running_stack(worker=False):
        tested = actions.test(name, model)
    if as_json:
        print_json(asdict(tested))
    else:
        for sentence in tested.sentences:
            out.print(sentence)
    if not tested.ok:
        raise typer.Exit(1)


@app.command()
def price(
    name: Name,
    model: Model,
    input: Annotated[float | None, typer.Option(min=0, help="Dollars per million tokens.")] = None,  # noqa: A002
    output: Annotated[float | None, typer.Option(min=0, help="Dollars per million tokens.")] = None,
    cached: Annotated[float | None, typer.Option(min=0, help="Of input tokens read before.")] = None,
    batch_input: Annotated[float | None, typer.Option(min=0)] = None,
    batch_output: Annotated[float | None, typer.Option(min=0)] = None,
    training: Annotated[float | None, typer.Option(min=0, help="Of tokens that it is tuned on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a model's tokens cost, or enter it: a new dated price that holds over price lists."""
    if (input is None) != (output is None):
        raise typer.BadParameter("give both --input and --output")
    with running_stack(worker=False):
        if training is not None:
            actions.set_training_price(name, model, training)
        tuned = actions.training_price(name, model)
        if input is None or output is None:
            tariff = actions.price(name, model)
        else:
            tariff = actions.set_price(
                name, model, input=input, output=output, cached=cached, batch_input=batch_input,
                batch_output=batch_output,
            )  # fmt: skip
    if as_json:
        print_json((asdict(tariff) if tariff else {}) | {"training": tuned} if tariff or tuned is not None else None)
        return
    out.print(_sentence(name, model, tariff))
    known = "unknown; enter it with --training" if tuned is None else f"${tuned:f} per million tokens"
    out.print(f"What training costs is {known}.")


def _sentence(name: str, model: str, tariff: Tariff | None) -> str:
    if tariff is None:
        return f"What {name}:{model} costs is unknown; enter it with --input and --output."
    said = (
        f"${tariff.input:f} in, ${tariff.cached:f} cached, ${tariff.output:f} out per million tokens ({tariff.source})"
    )
    if tariff.batch_input is None or tariff.batch_output is None:
        return f"{name}:{model}: {said}; what a batch costs is unknown, the plain price is its upper bound."
    return f"{name}:{model}: {said}; in a batch ${tariff.batch_input:f} in, ${tariff.batch_output:f} out."
