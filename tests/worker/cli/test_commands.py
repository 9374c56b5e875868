"""Every command: it finds what it asks for while its servers run, and shows what people wrote as they wrote it."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer

from db import datasets
from db.engine import access, begin
from db.errors import UserError
from db.settings import settings
from db.types import JobState, Split
from tests.builders import a_catalogue, a_dataset, an_adapter, products
from tests.dashboard.priced import a_priced_dataset
from tests.fake_openai.server import endpoint
from tests.worker.finetune.fake_steps import train_nothing
from tests.worker.hashed import HashedWords
from worker import specs
from worker.cli import main
from worker.data_need import ways
from worker.finetune import actions as finetune_actions
from worker.health.answer import Check
from worker.health.server import Probe, open_port
from worker.knowledge import index
from worker.llm.endpoint import client
from worker.pricing import actions
from worker.prompts.builtin import BUILT_IN
from worker.server.up import running_stack
from worker.specs import finetune

ODD = "[/old] [red] :cat: \x1b[2J"  # rich would fail on the first, eat the second, draw the third; the last clears
SHOWN = r"[/old] [red] :cat: \x1b[2J"


def every_command() -> set[str]:
    """ "load", "adapters list", ... as typer knows them."""

    def below(command: Any, path: tuple[str, ...]) -> Iterator[str]:
        for name, each in getattr(command, "commands", {}).items():
            yield from below(each, (*path, name)) if hasattr(each, "commands") else [" ".join((*path, name))]

    return set(below(typer.main.get_command(main.app), ()))


class Walk:
    """Runs commands in one database and remembers which."""

    def __init__(self, terminal: Callable[..., str]) -> None:
        self._terminal = terminal
        self._known = every_command()
        self.seen: set[str] = set()

    def __call__(self, *words: str, ends: int = 0) -> str:
        self.seen |= self._known & {words[0], " ".join(words[:2])}
        return self._terminal(*words, ends=ends)

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.fixture
def walk(command: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    """What trains or embeds is replaced by something that takes no time."""
    monkeypatch.setenv("PRICEWRIGHT_WATCH_SECONDS", "1e-9")
    settings.cache_clear()
    train_nothing(monkeypatch)
    model = HashedWords()
    monkeypatch.setattr(index, "embedder", lambda: model)
    for way in ("fine_tuned", "fitted"):
        monkeypatch.setattr(ways, way, lambda part, *_: ways.Learned(part.measured["price"].to_numpy() + 1, 0.0))
    monkeypatch.setattr(specs, "defaults", lambda: [specs.ConstantSpec()])
    yield Walk(command)
    settings.cache_clear()


@pytest.mark.stack  # the courier of the endpoint that it prices with
def test_every_command_prints_while_its_servers_run(walk: Walk, sent: list[int], tmp_path: Path) -> None:
    _datasets(walk, tmp_path)
    _jobs(walk, sent)
    _knowledge(walk, tmp_path)
    _pricers(walk, tmp_path)
    _backups(walk, tmp_path)
    _prompts(walk, tmp_path)
    _people(walk)
    _adapters(walk, tmp_path)
    _endpoints(walk)
    _parts(walk, tmp_path)
    walk("doctor")
    walk.json("doctor")
    _operations(walk)
    # `up` ends only with Ctrl-C: test_up.py; `chaos` breaks a stack of its own: tests/e2e/test_chaos.py
    assert walk.seen | {"up", "chaos"} == every_command()


def _operations(walk: Walk) -> None:
    assert SHOWN in walk("storage", "--free", "scratch", "--free", "logs")
    assert walk.json("storage", "--free", "snapshots")["space"]
    assert "told" in walk("notify").lower()
    assert walk.json("notify") == []
    with pytest.raises(UserError, match="NOTIFY_WEBHOOKS"):
        walk("notify", "--test")
    with pytest.raises(UserError, match="PRICEWRIGHT_HEALTH_PORT is not set"):
        walk("health", "--ready")
    server = open_port(Probe("cpu worker", lambda: [Check(part="loop", ok=False)]), "127.0.0.1", 0)
    try:
        port = str(server.server_port)
        assert walk("health", "--port", port, ends=1) == "cpu worker: The loop is not well.\n"
        assert walk.json("health", "--ready", "--port", port)["ok"]
    finally:
        server.shutdown()
        server.server_close()


def _datasets(walk: Walk, folder: Path) -> None:
    file = folder / "prices[old].csv"
    a_catalogue(400).write_csv(file)
    assert f"({SHOWN})" in walk("load", str(file), "--name", ODD, "--map", "id=row")
    assert "Currency: USD." in walk("currency", "1", "USD")
    assert walk.json("load", str(file), "--name", "second")["items"] == 400
    assert "MAE" in walk("price", "1", "--technique", "constant", "--rows", "test")
    assert walk.json("price", "1", "--technique", "ridge")["jobs"]
    assert "MAE" in walk("compare", "1")
    assert len(walk.json("compare", "1")["rows"]) == 2
    assert "Cheapest with mean error at most $1,000" in walk("choose", "1", "--error-below", "1000")
    assert walk.json("choose", "1", "--error-below", "1000")["choices"][0]["question"] == "cheapest"
    assert "[old].html" in walk("report", "1", "--out", str(folder / "report[old].html"))
    assert "What to try next" in walk("advise", "1")
    assert len(walk.json("advise", "1")["ways"]) == 4
    assert "Game 1" not in walk("guess", "1", "--rows", "5", "--seconds", "60")  # what is asked goes to stderr
    assert walk.json("guess", "1", "--game", "1")["guessed"] == 0
    assert "Saved as verdict 1; `pricewright recheck`" in walk("choose", "1", "--error-below", "1000", "--save")
    assert walk.json("compare", "1", "--save")["saved"] == [2]
    assert f"Verdict 2 on {SHOWN}, saved" in walk("verdicts")
    assert [each["id"] for each in walk.json("verdicts", "1", "--delete", "2")] == [1]
    assert "It holds." in walk("recheck", "1")
    assert walk.json("recheck", "--verdict", "1")["holds"]
    job = str(walk.json("compare", "1")["rows"][0]["job"])
    assert "predictions are in" in walk("export", job, str(folder / "all.csv"))
    assert walk.json("export", job, str(folder / "all.csv"))["rows"]
    some = ("--where", "price>=1", "--where", "category=Lamps", "--search", "lamp", "--sort", "-truth")
    assert "category is Lamps" in walk("export", job, str(folder / "some.csv"), *some)
    assert walk.json("export", job, str(folder / "some.csv"), *some)["rows"] < 40
    assert "with prices is in" in walk("export", job, str(folder / "hers.csv"), "--as-uploaded")
    assert walk.json("export", job, str(folder / "hers.csv"), "--as-uploaded")["rows"] == 400
    with pytest.raises(UserError, match="no hit rate can be promised"):  # 40 validation rows are too few
        walk("export", job, str(folder / "lists.csv"), "--hit-rate", "50")
    supposed = ("--items-a-month", "5000", "--cpu-hour", "1", "--label-usd", "0.1", "--save", ODD)
    assert f"Kept as scenario 1, {SHOWN}" in walk("what-if", "1", *supposed)
    assert walk.json("what-if", "1", "--scenario", ODD)["scenario"]["items_a_month"] == 5000
    assert SHOWN in walk("scenarios", "1")
    assert walk.json("scenarios", "1", "--delete", "1") == []
    assert f"Nothing is priced in {SHOWN}" in walk("load", str(file), "--name", ODD) + walk("compare", "3")
    assert "test rows priced by each technique" in walk("demo", "--limit", "20", "--train-rows", "0")
    assert walk.json("demo", "--limit", "20", "--train-rows", "0")["rows"]
    walk("data-need", "1", "--measured", "20")
    walk("check-verdicts", "1", "--rounds", "50")
    walk("race", "1", "--technique", "constant", "--technique", "ridge")
    assert walk.json("race", "1", "--technique", "constant", "--technique", "ridge")
    walk("leakage", "1")
    assert walk.json("leakage", "1")["dataset"] == 1
    walk("check-prices", "1")
    assert walk.json("check-prices", "1")["dataset"] == 1
    with begin() as session:
        row = str(datasets.items(session, 1, Split.TRAIN, 1)["row"][0])
    assert f"Row {row}: drop" in walk("decide-price", "1", row, "drop")
    assert "is the new version" in walk("curate", "1", "--technique", "constant")
    assert walk.json("check-verdicts", "1", "--rounds", "50")["simulated"]
    assert walk.json("data-need", "1", "--measured", "20")["ways"]


def _parts(walk: Walk, folder: Path) -> None:
    days = [date(2023, 1, 1) + timedelta(i) for i in range(150)]
    products(150).with_columns(day=pl.Series(days)).drop("row").write_csv(folder / "dated.csv")
    walk("load", str(folder / "dated.csv"), "--name", "dated", "--map", "date=day")
    walk("price", "dated", "--technique", "constant", "--rows", "test")
    assert "Fewer than 60 test rows have a date" in walk("ageing", "dated")
    assert walk.json("ageing", "dated", "--technique", "constant", "--origins", "2")["sentences"]
    products(60).drop("row").write_csv(folder / "small.csv")
    walk("load", str(folder / "small.csv"), "--name", "small")
    assert "other folds" in walk("cross-fit", "small", "--technique", "constant")


def _jobs(walk: Walk, sent: list[int]) -> None:
    (job_id,) = actions.start(1, [specs.ConstantSpec()], None, 7)
    sent.clear()
    assert "is paused" in walk("pause", str(job_id))
    assert "goes on" in walk("resume", str(job_id))
    (other,) = actions.start(1, [specs.ConstantSpec()], None, 8)
    sent.clear()
    assert "is cancelled" in walk("cancel", str(other))
    assert "runs again" in walk("retry", str(other))
    assert "load rows" in walk("jobs")
    assert {job["state"] for job in walk.json("jobs")} == {JobState.DONE}
    _kept(walk, job_id, other)


def _kept(walk: Walk, job_id: int, other: int) -> None:
    """Names, notes, archive and deletion of datasets and jobs."""
    job = str(job_id)
    assert f"Job {job} is called {SHOWN}" in walk("rename", "job", job, ODD)
    assert f"says: {SHOWN}" in walk("describe", "job", job, ODD)
    assert SHOWN in walk("jobs")
    assert f"unarchive job {job} offers" in walk("archive", "job", job)
    assert job_id not in {each["id"] for each in walk.json("jobs")}
    assert job_id in {each["id"] for each in walk.json("jobs", "--archived")}
    assert "is offered again" in walk("unarchive", "job", job)
    with pytest.raises(UserError, match=f"delete job {other} --yes"):
        walk("delete", "job", str(other))
    assert "With it go 8 predictions." in walk("delete", "job", str(other), "--yes")
    assert walk.json("delete", "job", job, "--yes")["depended"][0]["count"] == 7
    known = {each["id"]: each["name"] for each in walk.json("datasets")}
    assert f"Dataset 2 is called {SHOWN}" in walk("rename", "dataset", "2", ODD)
    walk("archive", "dataset", "2")
    assert 2 not in {each["id"] for each in walk.json("datasets")}
    assert SHOWN in walk("datasets", "--archived")
    walk("unarchive", "dataset", "2")
    walk("rename", "dataset", "2", known[2])


def _backups(walk: Walk, folder: Path) -> None:
    file = folder / "all[x].tar"
    assert "all[x].tar holds the database" in walk("backup", str(file))
    assert walk.json("backup", str(folder / "again.tar"))["bytes"] > 0
    assert [act["name"] for act in walk.json("audit", "--verb", "backup.write")] == ["again.tar", "all[x].tar"]
    assert SHOWN in walk("audit", "--since", "2026-01-01")
    with pytest.raises(UserError, match="There is something here already"):
        walk("restore", str(file))


def _pricers(walk: Walk, folder: Path) -> None:
    file = folder / "new[x].csv"
    a_catalogue(30, seed=7).drop("price").write_csv(file)
    assert "There is no pricer yet" in walk("pricers", "list")
    assert f"Pricer {SHOWN}, version 1, is in use." in walk("use", "1", "--as", ODD)
    assert walk.json("use", "1", "--as", ODD)["state"] == "candidate"
    assert SHOWN in walk("pricers", "list")
    assert len(walk.json("pricers", "list")) == 2
    assert f"priced by {SHOWN}, version 1" in walk("price", str(file), "--with", ODD, "--out", str(folder / "p[x].csv"))
    assert walk.json("price", str(file), "--with", ODD, "--out", str(folder / "p[x].csv"))["flags"]
    assert f"Version 2 of {SHOWN} is in use." in walk("pricers", "use", ODD, "2", "--why", ODD)
    assert walk.json("pricers", "rollback", ODD, "--why", "worse")["version"] == 1
    assert walk.json("pricers", "use", ODD, "2", "--why", "again")["state"] == "in use"
    assert "Version 1 of" in walk("pricers", "rollback", ODD, "--why", "worse")
    assert walk.json("pricers", "retire", ODD, "1", "--why", "over")["state"] == "retired"
    assert SHOWN in walk("pricers", "show", ODD)
    assert walk.json("pricers", "show", ODD)["history"]
    walk("rename", "pricer", "1", "monthly")
    assert "Version 1 of monthly is in use." in walk("pricers", "use", "monthly", "1", "--why", "again")
    with pytest.raises(UserError, match="is not archived but retired"):
        walk("archive", "pricer", "1")
    assert walk.json("delete", "pricer", "2", "--yes")["kind"] == "pricer"
    _batches(walk, folder)


def _batches(walk: Walk, folder: Path) -> None:
    inbox, out = folder / "in[x]", folder / "out[x]"
    inbox.mkdir()
    watch = ("watch", str(inbox), "--with", "monthly", "--out", str(out), "--once")
    table = a_catalogue(12, seed=8).with_columns(row=pl.col("row") + 5000)
    table.drop("price").write_csv(inbox / "june[x].csv")
    assert "june[x].csv is priced: 12 rows" in walk(*watch)
    table.drop("price").head(6).write_csv(inbox / f"{ODD.replace('/', '|')}.csv")
    (told,) = walk.json(*watch)["batches"]
    assert told["state"] == "priced"
    assert (out / "june[x]-priced.csv").is_file()
    assert "june[x].csv" in walk("batches")
    assert SHOWN.replace("/", "|") in walk("batches", "--of", "monthly")
    every = walk.json("batches")
    number = str(next(each["id"] for each in every["batches"] if each["file_name"] == "june[x].csv"))
    assert every["months"][0]["batches"] == len(every["batches"])
    real = folder / "real[x].csv"
    table.select("row", "price").write_csv(real)
    assert "12 rows of 12 have a real price, matched by id." in walk("truth", number, str(real))
    assert walk.json("truth", number, str(real), "--map", "price=price")["rows"] == 12
    with pytest.raises(UserError, match="has no prices|There is no batch"):
        walk("truth", "99", str(real))


def _knowledge(walk: Walk, folder: Path) -> None:
    file = folder / "changes.csv"
    file.write_text(f"id,title,price\nnew-1,{ODD},500\n")
    assert walk.json("knowledge", "build", "1")["added"]
    assert "embedded" in walk("knowledge", "build", "1")
    assert "1 added" in walk("knowledge", "update", "1", str(file))
    assert "added" in walk.json("knowledge", "update", "1", str(file))
    assert "[/old] [red] :cat:" in walk("knowledge", "search", "1", ODD)
    assert walk.json("knowledge", "search", "1", ODD)[0]["title"].startswith("[/old] [red] :cat:")
    assert "added" in walk("knowledge", "reference", "1", "second")
    assert walk("knowledge", "remove", "1", "new-1").strip() == "1 removed."
    assert "every 90 minutes" in walk("knowledge", "schedule", "1", "--minutes", "90")
    assert "train items" in walk("knowledge", "status", "1")
    assert walk.json("knowledge", "status", "1")["refresh_seconds"] == 5400


def _prompts(walk: Walk, folder: Path) -> None:
    file = folder / "template.txt"
    file.write_text(f"Shop [/x]: {{{{ product }}}}\n{BUILT_IN['listing'].template}")
    assert "mine@1 is kept" in walk("prompts", "save", "mine", str(file), "--note", ODD)
    assert walk.json("prompts", "save", "mine", str(file))["ref"] == "mine@1"
    assert SHOWN in walk("prompts", "list")
    assert ODD in [prompt["note"] for prompt in walk.json("prompts", "list")]
    assert "Shop [/x]:" in walk("prompts", "show", "mine")
    assert walk.json("prompts", "show", "mine")["name"] == "mine"
    assert "+Shop [/x]:" in walk("prompts", "diff", "listing", "mine")
    assert "Shop [/x]:" in walk("prompts", "preview", "mine", "--dataset", "1", "--row", "3")
    assert walk.json("prompts", "preview", "mine")["tokens"]


def _people(walk: Walk) -> None:
    """The prompt is of whoever is at this terminal, who is an admin."""
    assert walk("people", "token", ODD, "--days", "3").startswith("pw_")
    assert walk.json("people", "token", "anna@example.com", "--role", "viewer")["role"] == "viewer"
    assert SHOWN in walk("people", "tokens")
    assert [each["id"] for each in walk.json("people", "tokens")] == [2, 1]
    assert "acts no more" in walk("people", "revoke", "1")
    assert walk.json("people", "revoke", "1")["revoked_at"]
    assert "group:buyers" in walk("share", "prompt", "mine", "--with", "anna@example.com,group:buyers")
    assert walk.json("share", "prompt", "mine", "--with", "everybody")["shared_with"] == ["everybody"]


def _adapters(walk: Walk, folder: Path) -> None:
    made = walk.json("finetune", "1", "--task", ODD, "--set", "seed=1")["adapter"]
    assert f"for {SHOWN}" in walk("finetune", "1", "--task", ODD, "--set", "seed=2")
    assert "20 steps" in walk("finetune", "1", "--estimate")
    assert walk.json("finetune", "1", "--estimate")["seconds"] == 60
    running = finetune_actions.start(1, finetune.parse({"seed": 3}))
    assert "keeps the best it has" in walk("finetune-stop", str(running))
    assert "12 examples are in" in walk("finetune-export", "1", str(folder / "[b].jsonl"), "--rows", "12")
    [other] = [each["id"] for each in walk.json("adapters", "list") if each["id"] != made]
    assert SHOWN in walk("adapters", "list")
    assert SHOWN in walk("adapters", "show", made)
    assert walk.json("adapters", "show", made)["card"]
    assert walk.json("adapters", "promote", made, "--why", ODD)["state"] == "production"
    assert walk.json("adapters", "measure", other)["objection"] is None
    assert "does not object" in walk("adapters", "measure", other)
    assert f"is now production for {SHOWN}" in walk("adapters", "promote", other, "--why", "better")
    assert walk.json("adapters", "rollback", ODD, "--why", "worse")["id"] == made
    assert "is now retired" in walk("adapters", "retire", made, "--why", "worse")
    with begin() as session:
        ids = [an_adapter(session, 1, id=letter * 64, task=ODD).id for letter in "cde"]
    assert walk.json("adapters", "retire", ids[0], "--why", "no")["state"] == "retired"
    for adapter_id in ids[1:]:
        walk("adapters", "promote", adapter_id, "--why", "x", "--override", ODD)
    assert "is now production" in walk("adapters", "rollback", ODD, "--why", "worse")
    assert "bytes are in" in walk("adapters", "download", ids[0], str(folder / "[b].zip"))
    assert "deleted" in walk("adapters", "delete", ids[0])
    assert SHOWN in walk("adapters", "history")
    assert walk.json("adapters", "history")


def _endpoints(walk: Walk) -> None:
    until = ("--on", "2030-01-31")
    with endpoint() as server:
        try:
            assert server.base_url in walk("endpoints", "add", "e", "--url", server.base_url)
            assert "fast" in walk("endpoints", "models", "e")
            assert walk.json("endpoints", "models", "e")
            assert walk("endpoints", "test", "e", "--model", "fast")
            assert walk.json("endpoints", "test", "e", "--model", "fast")["ok"]
            assert "is unknown" in walk("endpoints", "price", "e", "fast[/x]")
            assert walk.json("endpoints", "price", "e", "fast", "--input", "1", "--output", "2")["input"] == "1"
            assert "e:fast ends on 2030-01-31, as you entered it." in walk("endpoints", "ends", "e", "fast", *until)
            assert walk.json("endpoints", "ends", "e", "fast", "--unknown")["shutdown_date"] is None
            assert server.base_url in walk("endpoints", "list")
            assert "has no key" in walk("endpoints", "key", "e", "--forget")  # entered: endpoints/test_vault.py
            assert "0 keys encrypted anew" in walk("endpoints", "renew-secret")
            assert walk.json("endpoints", "list")[0]["name"] == "e"
            curve = ("curve", "1", "--technique", "multi-shot", "--limit", "3", "--set", "model=e:fast")
            assert re.search(r"prompt\s+tokens", walk(*curve))
            assert len(walk.json(*curve)["rows"]) == 6
            assert f"says: {SHOWN}" in walk("describe", "endpoint", "e", ODD)
            assert "unarchive endpoint e offers" in walk("archive", "endpoint", "e")
            assert walk.json("endpoints", "list") == []
            assert walk.json("endpoints", "list", "--archived")[0]["name"] == "e"
            with pytest.raises(UserError, match="keeps its name"):
                walk("rename", "endpoint", "e", "f")
            assert walk.json("delete", "endpoint", "e", "--yes")["depended"][0]["noun"] == "job"
            walk("endpoints", "add", "e", "--url", server.base_url)
            assert "is gone" in walk("endpoints", "remove", "e")
        finally:
            client.stop()


def test_a_file_that_can_not_be_written_is_told_before_anything_is_priced(walk: Walk, tmp_path: Path) -> None:
    with begin() as session:
        a_dataset(session)
    for file, sentence in (
        (tmp_path / "prices.docx", "ends in .csv"),
        (tmp_path / "no" / "a.csv", "There is no folder"),
    ):
        with pytest.raises(UserError, match=sentence):
            walk("price", "1", "--technique", "constant", "--out", str(file))
    assert walk.json("jobs") == []


@pytest.mark.slow
def test_a_comparison_is_written_into_files_to_pass_on(walk: Walk, tmp_path: Path) -> None:
    with begin() as session:
        a_priced_dataset(session, a_dataset(session, 200), ("constant", "ridge"))
    page, book, charts = tmp_path / "r.html", tmp_path / "r.xlsx", tmp_path / "new" / "charts"
    said = walk.json("report", "1", "--out", str(page), "--out", str(book), "--charts", str(charts))
    written = [Path(file) for file in said["files"]]
    assert written[:2] == [page, book]
    assert {file.suffix for file in written[2:]} == {".svg", ".png"}
    assert all(file.stat().st_size for file in written)
    assert f"Wrote {page}" in walk("report", "1", "--out", str(page), "--error-below", "9", "--job", "1")
    assert "Choice within your limits" in page.read_text()


@pytest.mark.slow
def test_a_report_that_can_not_be_written_is_told_before_it_is_made(walk: Walk, tmp_path: Path) -> None:
    with begin() as session:
        a_dataset(session)
    for words, sentence in (
        ((), "Say where to"),
        (("--out", str(tmp_path / "r.pdf")), r"ends in \.html or \.xlsx"),
        (("--out", str(tmp_path / "no" / "r.html")), "There is no folder"),
        (("--charts", __file__), "wants a folder"),
    ):
        with pytest.raises(UserError, match=sentence):
            walk("report", "1", *words)


def test_the_database_is_refused_to_a_command_before_and_after_its_servers_run(database: str) -> None:
    def asks() -> str:
        try:
            with begin():
                return "answers"
        except RuntimeError as error:
            return str(error)

    with access(is_open=False):
        before = asks()
        with running_stack(worker=False):
            within = asks()
        after = asks()
    assert "outside of the block" in before
    assert (within, after, asks()) == ("answers", before, "answers")
