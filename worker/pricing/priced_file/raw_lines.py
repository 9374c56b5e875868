"""The places in the bytes of a text at which its lines end, the lines being those that the reader counts.

The reader decodes and then counts lines (worker.ingest.csv_encoding); whoever adds to the bytes as they are has to find
the same lines without decoding them.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from db.errors import UserError
from worker.files.formats import Compression
from worker.ingest import csv_encoding, limits
from worker.ingest.file_kind import open_bytes

_DECODED_ALIKE = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
"""Encodings in which a line end is the same bytes everywhere, in broken text too."""


@dataclass(frozen=True, slots=True)
class Code:
    """How an encoding writes what lines end with."""

    encoding: str  # that appended text is written in: no byte order mark, and the byte order is settled
    line_feed: int  # little-endian, as wide as a unit
    carriage_return: int
    size: int  # bytes of a unit
    lone_returns: bool  # a carriage return alone ends a line


def code_of(encoding: str, newline: str, head: bytes) -> Code:
    """The code of a text that begins with `head`. Raises UserError for an encoding whose lines can't be found."""
    name = codecs.lookup(encoding).name
    name = {"utf-8-sig": "utf-8"}.get(name, name)
    if name in ("utf-16", "utf-32"):
        big = codecs.BOM_UTF16_BE if name == "utf-16" else codecs.BOM_UTF32_BE
        name += "-be" if head.startswith(big) else "-le"
    feed, back = (f"a{sign}".encode(name)[len("a".encode(name)) :] for sign in "\n\r")
    if len(feed) != len(back) or len(feed) not in (1, 2, 4):
        raise UserError(_refusal(encoding))
    return Code(name, int.from_bytes(feed, "little"), int.from_bytes(back, "little"), len(feed), newline == "\r")


def check(path: Path, compression: Compression, encoding: str, newline: str, code: Code) -> None:
    """Check that the lines are those that the reader counts. Raises UserError where the encoding hides them."""
    if code.encoding in _DECODED_ALIKE or _is_charmap(code):
        return
    with open_bytes(path, compression) as stream:
        read, ended = 0, True
        for block in csv_encoding.blocks(stream, encoding, newline):
            read, ended = read + block.count(b"\n"), block.endswith(b"\n")
    with open_bytes(path, compression) as stream:
        raw = sum(len(ends) for _, ends in blocks(stream, code))
    if raw != read + (not ended):
        raise UserError(_refusal(encoding))


def _is_charmap(code: Code) -> bool:
    """Whether every byte is a character, one of them each of the line ends."""
    try:
        text = [bytes([byte]).decode(code.encoding, "replace") for byte in range(256)]
    except (UnicodeError, LookupError):
        return False
    is_single = code.size == 1 and len(bytes(range(256)).decode(code.encoding, "replace")) == 256
    return is_single and text.count("\n") == text.count("\r") == 1


def _refusal(encoding: str) -> str:
    return (
        f"Prices can't be written beside lines of the encoding {encoding}; save the table as UTF-8 and upload that, or "
        "export the predictions as a table of their own."
    )


def blocks(
    stream: BinaryIO, code: Code, size: int = limits.BLOCK_BYTES
) -> Iterator[tuple[bytes, npt.NDArray[np.int64]]]:
    """The bytes of the stream in blocks, with the positions in each at which the text of a line ends, its line end
    following there. The last line needs no line end."""
    held, final, is_open = b"", False, False
    returning = code.carriage_return.to_bytes(code.size, "little")
    while not final:
        raw = stream.read(size)
        final = not raw
        data = held + raw
        kept = len(data) if final else len(data) - len(data) % code.size
        while not final and kept and data[kept - code.size : kept] == returning:  # its line feed may come next
            kept -= code.size
        held, data = data[kept:], data[:kept]
        ends = _ends(data, code)
        if data:
            is_open = not _is_ended(data, code)
        if final and is_open:
            text = data[: len(data) - len(data) % code.size]  # half a unit stays last
            ends = np.append(ends, len(text) if code.lone_returns else len(text.removesuffix(returning)))
        if data or len(ends):
            yield data, ends


def _is_ended(data: bytes, code: Code) -> bool:
    last = int.from_bytes(data[-code.size :], "little")
    return last == code.line_feed or (code.lone_returns and last == code.carriage_return)


def _ends(data: bytes, code: Code) -> npt.NDArray[np.int64]:
    units = np.frombuffer(data, dtype=f"<u{code.size}", count=len(data) // code.size)
    feeds = np.flatnonzero(units == code.line_feed)
    is_return = units == code.carriage_return
    if not is_return.any():
        return feeds * code.size
    position = np.arange(len(units))
    before = np.maximum.accumulate(np.where(is_return, -1, position))  # the last unit that is no return
    ends = np.where(feeds > 0, before[feeds - 1] + 1, 0)
    if code.lone_returns:
        after = np.minimum.accumulate(np.where(is_return, len(units), position)[::-1])[::-1]
        belongs = np.append(units, 0)[after] == code.line_feed
        ends = np.sort(np.concatenate([ends, np.flatnonzero(is_return & ~belongs)]))
    return ends * code.size
