"""The table of file formats that can be uploaded: how each is called, by which endings and first bytes it is known.

A format is one entry here and its opener (`worker.ingest.read.OPENERS`). Pages and the command line follow.
"""

import re
from dataclasses import dataclass
from typing import Literal

from worker import amounts

Kind = Literal["csv", "xlsx", "parquet"]
Compression = Literal["", "gzip"]

GZIP_ENDING = "gz"
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A kind of file that holds one table."""

    endings: tuple[str, ...]  # of a file's name, without the dot
    names: tuple[str, ...]  # in a terminal and in sentences, the usual one first
    page_names: tuple[str, ...]  # as pages name it
    magic: bytes = b""  # what its files begin with; b"" = text, whatever is nothing else
    is_gzipped: bool = False  # may come in gzip too; a format that packs by itself may not
    is_text: bool = False  # has an encoding, and signs between its cells
    names_columns: bool = False  # always says how its columns are called


FORMATS: dict[Kind, Format] = {
    "csv": Format(
        endings=("csv", "tsv", "txt"),
        names=("CSV", "TSV"),
        page_names=("CSV", "TSV"),
        is_gzipped=True,
        is_text=True,
    ),
    # Any ZIP archive begins like this; whether it is a workbook is seen inside.
    "xlsx": Format(endings=("xlsx",), names=("XLSX",), page_names=("Excel",), magic=b"PK\x03\x04"),
    "parquet": Format(
        endings=("parquet",),
        names=("Parquet",),
        page_names=("Parquet",),
        magic=b"PAR1",
        names_columns=True,
    ),
}

UPLOADED: list[str] = [
    ending for each in FORMATS.values() for ending in (*each.endings, *([GZIP_ENDING] if each.is_gzipped else []))
]
"""Endings that the page's file chooser accepts."""

ON_PAGES = amounts.listed([name for each in FORMATS.values() for name in each.page_names], "or")
IN_TERMINAL = amounts.listed([name for each in FORMATS.values() for name in each.names], "or")
TO_SAVE_AS = amounts.listed([each.names[0] for each in FORMATS.values()], "or")
"""What to save a file as that is in none of them."""

_ENDING = re.compile(
    rf"(\.({'|'.join(ending for each in FORMATS.values() for ending in each.endings)}))?(\.{GZIP_ENDING})?$",
    re.IGNORECASE,
)


def without_ending(file_name: str) -> str:
    """A file's name without what it says of the format; other dots belong to the name that people gave it.

    The whole name where nothing else is left.
    """
    return _ENDING.sub("", file_name) or file_name
