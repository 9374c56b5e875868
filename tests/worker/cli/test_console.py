"""Whatever people wrote, as the command line shows it: letter by letter, and nothing in it acts."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.progress import Progress
from rich.table import Table

from worker.cli import console
from worker.cli.console import PlainColumn

ROOT = Path(__file__).resolve().parents[3]
ODD = "[/old] [red] :cat: \x1b[2J\x9b2J\x07"
SHOWN = r"[/old] [red] :cat: \x1b[2J\x9b2J\x07"


def printed(thing: object) -> str:
    """What comes out where nobody sees colours; codes that reach it are from the text itself."""
    file = io.StringIO()
    console._Plain(file=file, width=2_000).print(thing)
    return file.getvalue()


WRITTEN = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])  # without control characters and line ends


@given(st.text(WRITTEN, min_size=1, max_size=50))
@example("prices[/old].csv")
@example("[red]warm[/] :cat: [link=http://example.org]x[/link] \\[b]")
def test_text_comes_out_as_it_is(words: str) -> None:
    assert words in printed(words)


def test_cells_captions_and_progress_are_text_too_and_what_a_terminal_obeys_is_shown() -> None:
    assert SHOWN in printed(ODD)
    table = Table(ODD, title=ODD, caption=ODD)
    table.add_row(ODD)
    assert printed(table).count(SHOWN) == 4
    file = io.StringIO()
    columns = [PlainColumn("{task.description} {task.fields[told]}")]
    with Progress(*columns, console=console._Plain(file=file, width=200)) as bar:
        bar.add_task(ODD, told=ODD)
    assert f"{SHOWN} {SHOWN}" in file.getvalue()


def run(*words: str, code: str = "") -> "subprocess.CompletedProcess[str]":
    command = ["-c", code] if code else ["-m", "worker.cli"]
    return subprocess.run(
        [sys.executable, *command, *words], check=False, cwd=ROOT, capture_output=True, text=True, timeout=120
    )


@pytest.mark.stack
@pytest.mark.parametrize("words", [
    ("load", "prices[/old].csv"),
    ("price", "1", "--technique", "[/old]"),
    ("prompts", "save", "mine", "[/old]"),
])  # fmt: skip
def test_a_mistake_with_brackets_is_told_in_one_sentence(words: tuple[str, ...], servers: None) -> None:
    process = run(*words)
    assert process.returncode == 1
    assert "[/old]" in process.stderr
    assert process.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_fault_of_ours_shows_no_values() -> None:
    code = """
from worker.cli import main
from worker.server import doctor
def examine():
    key = "hunter" + "2"
    raise RuntimeError("broken")
doctor.examine = examine
main.main()
"""
    process = run("doctor", code=code)
    assert process.returncode == 1
    assert "RuntimeError: broken" in process.stderr
    assert "hunter2" not in process.stderr
