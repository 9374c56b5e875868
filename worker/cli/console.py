"""Prints for a terminal: what people, files and endpoints wrote comes out letter by letter, and nothing in it acts."""

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Task, TextColumn
from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON and nothing else.")]

# Control characters but for tab and line ends. A terminal obeys them: a dataset's name could clear the screen.
_SHOWN = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}  # turn text round
_SHOWN |= {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n\r"}

# What JSON leaves as it is and a terminal obeys all the same; such letters stand only inside its texts.
_IN_JSON = {code: f"\\u{code:04x}" for code in (*range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))}


class _Plain(Console):
    """A console where every string is text, table cells and captions too: no markup like [red], no emoji like :cat:."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(text.translate(_SHOWN), **options)


class PlainColumn(TextColumn):
    """A column of a progress display; rich itself would read markup here whatever the console says."""

    def render(self, task: Task) -> Text:
        return Text(self.text_format.format(task=task).translate(_SHOWN))


# A pipe or a file has no width: let tables be as wide as they need.
out = _Plain(width=None if sys.stdout.isatty() else 200)
err = _Plain(stderr=True)


def print_json(value: Any) -> None:
    """Print what `--json` asks for: one line on stdout; dates, money and enums as text."""
    print(json.dumps(value, default=str, ensure_ascii=False).translate(_IN_JSON))


def print_lines(text: str) -> None:
    """Print text whose lines stay as long as they were written."""
    out.print(text, soft_wrap=True)


def warn(sentence: str) -> None:
    """Print, on stderr, what to know before trusting a result."""
    err.print(sentence, style="yellow")


def tell_error(sentence: str) -> None:
    """Print one sentence on stderr, in red where there are colours; unbroken, so that scripts can search it."""
    err.print(sentence, style="red", soft_wrap=True)
