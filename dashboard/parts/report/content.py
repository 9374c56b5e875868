"""What a report is made of, whatever file it becomes: sections of sentences, tables and charts."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from dashboard.shared.chart_style import Chart
from worker import amounts

Unit = Literal["text", "dollars", "price", "share", "log", "number", "count", "ms", "seconds"]

WRITTEN: dict[Unit, Callable[[float], str]] = {
    "dollars": amounts.usd,  # what work costs
    "price": amounts.price,  # of products, and errors of them
    "share": "{:.0%}".format,
    "log": "{:.3f}".format,
    "number": "{:.2f}".format,
    "count": "{:,.0f}".format,
    "ms": lambda value: amounts.duration(value / 1000),
    "seconds": amounts.duration,
}
"""Unit of a column -> how a reader sees its values; a spreadsheet gets the numbers themselves."""


@dataclass(frozen=True, slots=True)
class Column:
    key: str  # of the table's frame
    label: str
    unit: Unit = "text"
    missing: str = amounts.NOTHING  # what stands where there is no value; of costs: unknown

    def written(self, value: object) -> str:
        if value is None or value != value:
            return self.missing
        return str(value) if self.unit == "text" else WRITTEN[self.unit](float(str(value)))


@dataclass(frozen=True, slots=True)
class Table:
    name: str  # of its sheet; at most 31 characters
    columns: Sequence[Column]
    frame: pl.DataFrame
    note: str = ""
    is_detail: bool = False  # a chart says it already; folded where a page can fold


@dataclass(frozen=True, slots=True)
class Figure:
    name: str  # of its file, without an ending
    title: str
    about: str  # what it shows, for those who can't see it
    chart: Chart
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Sentences first, then charts, then tables. In sentences techniques stand as `mark` names them."""

    title: str
    sentences: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    warnings: Sequence[str] = ()


_MARKED = re.compile(r"\*{0,2}\x02(\d+)\x03\*{0,2}")


def mark(job_id: int) -> str:
    """Stands for the name of a job's technique in a sentence until it is known what may be written there."""
    return f"\x02{job_id}\x03"


def with_names(sentence: str, names: Mapping[int, str], written: Callable[[str], str], bold: str) -> str:
    """A sentence with each part as `written` writes it, and the names of techniques as `bold` frames them ("{}")."""
    pieces = _MARKED.split(sentence)  # text, job id, text, …
    return "".join(
        bold.format(written(names.get(int(piece), ""))) if place % 2 else written(piece)
        for place, piece in enumerate(pieces)
    )


def lowered(text: str) -> str:
    """A text inside a sentence: with a small letter, unless it begins with a name in capitals such as SMAPE."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
