"""Turns the bytes of a text file into UTF-8 with one kind of line end, block by block."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from db.errors import UnreadableFile
from worker.ingest import column_synonyms, limits

MARK = "\ufdd0"
"""Stands for bytes that could not be decoded: a noncharacter, so it can't be in a proper text (Unicode 23.7)."""

MARK_BYTES = MARK.encode()

codecs.register_error("pricewright.mark", lambda error: (MARK, error.end))  # type: ignore[attr-defined]

_BOMS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]


_HEADER_BYTES, _HEADER_LINES = 4096, 20
_WITH_HEADERS = ("cp1250", "cp1251", "koi8-r", "cp932", "euc_jp", "gb18030", "big5", "cp949", "mac_roman", "cp437")
_ASIAN = ("cp932", "euc_jp", "cp949", "gb18030", "big5")


@dataclass(frozen=True, slots=True)
class Guess:
    encoding: str
    warning: str = ""


def detect(stream: BinaryIO) -> Guess:
    """The encoding of a stream, which is read to its end.

    A byte order mark, the zeros of UTF-16, valid UTF-8, else cp1252. Statistical guessing was tried and was wrong more
    often than this rule (docs/experiments.md). The whole file is read because the first accent may stand far down;
    that costs about a second per GB. Broken gzip files are found here too.
    """
    head = stream.read(limits.BLOCK_BYTES)
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            _drain(stream)
            return Guess(encoding)
    zeros = np.frombuffer(head[:8192], dtype=np.uint8) == 0
    even, odd = float(zeros[::2].mean()), float(zeros[1::2].mean()) if len(zeros) > 1 else 0.0
    if max(even, odd) > 0.3 and min(even, odd) < 0.1:
        _drain(stream)
        return Guess("utf-16-le" if odd > even else "utf-16-be")
    invalid, beyond_ascii = _invalid_utf8(head, stream)
    if not invalid:
        return Guess("utf-8")
    if beyond_ascii > 8 * invalid:
        return Guess("utf-8", f"The text is UTF-8, but {invalid} characters in it are broken; those lines are rejects.")
    if name := _by_header(head):
        return Guess(
            name,
            f"The text is not UTF-8 and is read as {name}, because its header is known words then; choose another "
            "encoding if letters look wrong (in a terminal: --encoding cp1252).",
        )
    example = _asian_reading(head)
    return Guess(
        "cp1252",
        "The text is not UTF-8 and is read as cp1252; choose another encoding if accents look wrong "
        f"(in a terminal: --encoding {example or 'cp1250'}).",
    )


def _by_header(head: bytes) -> str:
    """The encoding in which the most words beyond ASCII among the first lines are names of columns; "" where that is
    cp1252, or none is. No word is one by chance in an encoding that is not its own."""
    lines = b"\n".join(head[:_HEADER_BYTES].replace(b"\r", b"\n").split(b"\n", _HEADER_LINES)[:_HEADER_LINES])
    best, most = "", 0
    for name in ("cp1252", *_WITH_HEADERS):
        cells = re.split(r"[,;\t|\n]", lines.decode(name, "replace"))
        known = sum(column_synonyms.is_known(cell.strip(" \"'")) for cell in cells if not cell.isascii())
        if known > most:
            best, most = name, known
    return "" if best == "cp1252" else best


def _asian_reading(head: bytes) -> str:
    """The encoding of Japanese, Korean or Chinese that reads the beginning best, with what it reads as the example;
    "" where bytes beyond ASCII mostly stand alone, as accents do."""
    high = np.frombuffer(head, dtype=np.uint8) > 127
    if high.sum() < 4 or (high[1:] & high[:-1]).sum() < 0.3 * high.sum():
        return ""
    best, most = "", 0.0
    for name in _ASIAN:
        try:
            text = codecs.getincrementaldecoder(name)("strict").decode(head)
        except UnicodeDecodeError:
            continue
        letters = [letter for letter in text if ord(letter) > 127]
        usual = sum(_is_usual_asian(letter) for letter in letters) / max(len(letters), 1)
        if usual > most:
            line = next((line for line in text.splitlines() if not line.isascii()), "")
            word = next((word for word in line.replace(";", ",").split(",") if not word.isascii()), line)
            best, most = f"{name} reads {word.strip()[:30]!r}", usual
    return best if most >= 0.7 else ""


def _is_usual_asian(letter: str) -> bool:
    """Whether a letter is kana, Hangul, a Chinese character of the usual block or a mark between such."""
    return "\u3000" <= letter <= "\u30ff" or "\u4e00" <= letter <= "\u9fa5" or "\uac00" <= letter <= "\ud7a3"


def _drain(stream: BinaryIO) -> None:
    while stream.read(limits.BLOCK_BYTES):
        pass


def _invalid_utf8(block: bytes, stream: BinaryIO) -> tuple[int, int]:
    """The number of places that are not UTF-8, and of bytes beyond ASCII."""
    mended = _Utf8()
    invalid = beyond_ascii = 0
    while block:
        beyond_ascii += int(np.count_nonzero(np.frombuffer(block, dtype=np.uint8) > 127))
        invalid += _marks(mended.take(block))
        block = stream.read(limits.BLOCK_BYTES)
    return invalid + _marks(mended.take(b"", final=True)), beyond_ascii


def _marks(data: bytes) -> int:
    return data.count(MARK_BYTES) if MARK_BYTES[:1] in data else 0  # few texts have that byte, and one is found fast


class _Utf8:
    """Takes blocks of bytes and gives them back as proper UTF-8, with MARK for what is none.

    What is fine as it is, as nearly everything is, is looked at and not decoded.
    """

    def __init__(self) -> None:
        self._held = b""

    def take(self, block: bytes, *, final: bool = False) -> bytes:
        """The next block, up to its last whole character."""
        data = self._held + block
        end = len(data) - (0 if final else _unfinished(data))
        data, self._held = data[:end], data[end:]
        if data.isascii():
            return data
        ends = pa.py_buffer(np.array([0, len(data)], dtype=np.int64))
        try:
            pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(data)).validate(full=True)
        except pa.ArrowInvalid:
            return data.decode("utf-8", "pricewright.mark").encode()
        return data


def _unfinished(data: bytes) -> int:
    """How many bytes at the end begin a character that is not over."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            return 0
    return 0


def check(encoding: str) -> None:
    """Checks an encoding. Raises UnreadableFile when a user names an encoding that does not exist."""
    try:
        "a".encode(encoding)
    except (LookupError, ValueError) as error:
        raise UnreadableFile(f"There is no text encoding named {encoding!r}.") from error


def blocks(stream: BinaryIO, encoding: str, newline: str, size: int = limits.BLOCK_BYTES) -> Iterator[bytes]:
    """The text as UTF-8 with "\\n" line ends, in blocks cut anywhere between two characters.

    Undecodable bytes are MARK. A byte order mark at the beginning is dropped. With `newline` "\\r" a lone carriage
    return ends a line, otherwise it is an ordinary character.
    """
    check(encoding)
    is_utf8 = codecs.lookup(encoding).name == "utf-8"
    decoder, mended = codecs.getincrementaldecoder(encoding)("pricewright.mark"), _Utf8()
    held, first, final = b"", True, False
    while not final:
        raw = stream.read(size)
        final = not raw
        text = mended.take(raw, final=final) if is_utf8 else decoder.decode(raw, final).encode("utf-8", "replace")
        if first and text:
            text, first = text.removeprefix(codecs.BOM_UTF8), False
        data = held + text
        held = b""
        if b"\r" in data:
            if not final and data.endswith(b"\r"):  # its "\n" may come with the next block
                kept = data.rstrip(b"\r")
                held, data = data[len(kept) :], kept
            data = unify(data, newline)
        if data:
            yield data


def unify(data: bytes, newline: str) -> bytes:
    """The text with one kind of line end. "\\r\\r\\n" is what a text written twice through a Windows file ends its
    lines with."""
    while b"\r\n" in data:
        data = data.replace(b"\r\n", b"\n")
    return data.replace(b"\r", b"\n") if newline == "\r" else data
