"""Files that are too large for one value: cut into pieces on their way into a table, put together on their way out."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.orm import Session

PIECE_BYTES = 64 * 2**20
"""Postgres refuses a value or a message of 1 GB, and a value takes twice its size on the wire, as hexadecimal digits.
A checkpoint of a large adapter has files of gigabytes."""


def cut(files: Mapping[str, bytes]) -> Iterator[tuple[str, int, bytes]]:
    """Name, number and bytes of each piece; an empty file is one empty piece."""
    for name, data in files.items():
        for number, start in enumerate(range(0, max(1, len(data)), PIECE_BYTES)):
            yield name, number, data[start : start + PIECE_BYTES]


def joined(session: Session, query: Executable) -> dict[tuple[Any, ...], bytes]:
    """Whole files from lines whose last column is a piece, in order; what stands before it tells the files apart.

    One piece at a time comes from the database.
    """
    rows = session.execute(query.execution_options(yield_per=1))
    return {key: b"".join(row[-1] for row in group) for key, group in groupby(rows, lambda row: tuple(row[:-1]))}
