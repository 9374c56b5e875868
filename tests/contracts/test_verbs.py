"""Every function of a noun's actions that changes something says which verb it is: found by reading what it calls."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from db.types import RULES, Role, Verb

pytestmark = pytest.mark.slow  # reads every module of db and worker

ROOT = Path(__file__).resolve().parents[2]

NO_VERBS = {
    "worker.batches.actions.settle": "writes down what came of jobs that are over, whoever looks",
    "worker.batches.actions.settle_one": "the same, of one batch",
    "worker.datasets.actions.job_cancelled": "what cancelling a job does to its table, in the transaction of that verb",
    "worker.datasets.actions.job_retried": "what running a job again does to its table, as above",
    "worker.guesses.actions.result": "ends a game whose time is over, whoever looks",
    "worker.guesses.actions.standing": "the same",
    "worker.notifications.actions.work": "tells what happened, on a schedule",
    "worker.storage.actions.tidy": "keeps things as long as the settings say, on a schedule",
}
"""Public functions that change something and are no act of a person, each with why."""

_WRITING_CALLS = {"insert", "update", "delete", "add", "add_all", "copy_in", "merge"}
_WRITING_SQL = ("INSERT ", "UPDATE ", "DELETE ", "TRUNCATE ")

Name = str  # of a function: module.function


class Calls:
    """What a function calls, by the whole names of functions of ours; and whether it writes, or checks a right."""

    def __init__(self, module: str, names: Mapping[str, str], local: set[str], body: ast.AST) -> None:
        self.writes = self.acts = False
        self.calls: set[Name] = set()
        for node in ast.walk(body):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.writes |= module.startswith("db.") and node.value.lstrip().startswith(_WRITING_SQL)
            if isinstance(node, ast.Name) and node.id in local:
                self.calls.add(f"{module}.{node.id}")
            elif isinstance(node, ast.Name) and node.id in names:
                self.calls.add(names[node.id])
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
                self.calls.add(f"{names[node.value.id]}.{node.attr}")
            if isinstance(node, ast.Call) and module.startswith("db."):
                self.writes |= _is_writing(node.func, names)
        self.acts = bool({"db.access.act", "db.access.check"} & self.calls)


def _is_writing(called: ast.expr, names: Mapping[str, str]) -> bool:
    """insert(…) as imported, or session.add(…)."""
    if isinstance(called, ast.Name):
        return called.id in _WRITING_CALLS and called.id in names
    return (
        isinstance(called, ast.Attribute) and called.attr in _WRITING_CALLS and ast.unparse(called.value) == "session"
    )


def functions() -> Iterator[tuple[Name, Calls]]:
    for path in [*(ROOT / "db").rglob("*.py"), *(ROOT / "worker").rglob("*.py")]:
        if "migrations" in path.parts:
            continue
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text())
        names = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        whole = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        local = {node.name for node in whole}
        for node in whole:
            yield f"{module}.{node.name}", Calls(module, names, local, node)


@cache
def known() -> dict[Name, Calls]:
    return dict(functions())


_NOT_FOLLOWED = {"db.access.act", "db.access.check", "db.rates.for_queue", "db.jobs.taken_again"}
"""The log's own writing; a dated price that is noted where a setting changed; a job shown again to who asks for it."""


def reaches(name: Name, wanted: str, seen: set[Name] | None = None) -> bool:
    """Whether a function, or one that it calls however deep, has a property of Calls."""
    seen = set() if seen is None else seen
    if name in seen or name in _NOT_FOLLOWED or name not in known():
        return False
    seen.add(name)
    about = known()[name]
    return bool(getattr(about, wanted)) or any(reaches(each, wanted, seen) for each in sorted(about.calls))


def public_actions() -> list[Name]:
    return sorted(
        name
        for name in known()
        if name.startswith("worker.") and ".actions." in name and not name.rpartition(".")[2].startswith("_")
    )


def test_the_reading_finds_what_writes() -> None:
    """The test of the test: known writers and readers are told apart."""
    assert reaches("db.jobs.create", "writes")
    assert reaches("db.datasets.drop", "writes")
    assert reaches("worker.prompts.actions.save", "writes")
    assert not reaches("worker.prompts.actions.every", "writes")
    assert not reaches("worker.pricers.actions.history", "writes")
    assert len(public_actions()) > 100


def test_what_is_excepted_is_there_and_writes() -> None:
    assert [name for name in NO_VERBS if not reaches(name, "writes")] == []


def test_whatever_changes_something_says_which_verb_it_is() -> None:
    missing = [
        name
        for name in public_actions()
        if name not in NO_VERBS and reaches(name, "writes") and not reaches(name, "acts")
    ]
    assert not missing, f"call db.access.act in {', '.join(missing)} (docs/adding.md, “A verb”)"


def test_no_command_changes_anything_past_the_verbs() -> None:
    """What a command calls of db directly does not write."""
    past = sorted(
        f"{name} → {called}"
        for name, about in known().items()
        if name.startswith("worker.cli.")
        for called in about.calls
        if called.startswith("db.") and reaches(called, "writes")
    )
    assert not past


def test_every_verb_has_a_rule_and_is_used() -> None:
    assert set(RULES) == set(Verb)
    text = "".join(
        path.read_text() for room in ("worker", "db", "dashboard") for path in (ROOT / room).rglob("*.py")
        if path.name != "verbs.py"
    )  # fmt: skip
    assert [verb for verb in Verb if f"Verb.{verb.name}" not in text] == []


def test_what_is_anothers_never_takes_less() -> None:
    for verb, rule in RULES.items():
        assert rule.others.includes(rule.least), verb
        if rule.spends:
            assert not Role.VIEWER.includes(rule.least), f"a viewer spends nothing: {verb}"
