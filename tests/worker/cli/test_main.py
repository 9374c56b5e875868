"""The app behind `pricewright`: where a verb comes from, and where its name stands in the help."""

import pytest
from typer.testing import CliRunner

from db.errors import UserError
from worker.cli import jobs, main
from worker.cli.options import assignments


def named(text: str) -> list[str]:
    """The commands that a help text lists, in its order."""
    rows = text.partition("Commands")[2].splitlines()
    return [row[2:].split()[0] for row in rows if row.startswith("│ ") and not row.startswith("│  ")]


def help_of(*path: str) -> list[str]:
    return named(CliRunner().invoke(main.app, [*path, "--help"], env={"COLUMNS": "120"}).stdout)


def test_verbs_of_a_group_are_named_after_it() -> None:
    assert help_of()[-4:] == ["knowledge", "endpoints", "prompts", "adapters"]
    assert "build" in help_of("knowledge")
    assert "build" not in help_of()


def test_a_verb_written_into_the_file_of_its_noun_is_in_the_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.app, "registered_commands", [*jobs.app.registered_commands])
    jobs.app.command("hurry")(lambda: None)
    assert help_of()[: len(main.ORDER)] == list(main.ORDER)
    assert "hurry" in help_of()[len(main.ORDER) :]


def test_every_place_in_the_order_is_that_of_a_verb() -> None:
    assert set(main.ORDER) <= set(help_of())


def test_an_assignment_without_a_sign_is_told_with_an_example() -> None:
    assert list(assignments("--set", ["a=1", "b=", "c=d=e"], "field=value", "k=5")) == [
        ("a", "1"), ("b", ""), ("c", "d=e"),
    ]  # fmt: skip
    assert list(assignments("--set", None, "field=value", "k=5")) == []
    with pytest.raises(UserError, match="^--set 'a' should look like field=value, for example k=5.$"):
        list(assignments("--set", ["a"], "field=value", "k=5"))
