"""The kind of a file, and its bytes unpacked."""

import gzip
import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from db.errors import UnreadableFile
from worker.files.formats import FORMATS, GZIP_MAGIC, TO_SAVE_AS, Compression, Kind
from worker.ingest import limits

_FOREIGN: list[tuple[bytes, str]] = [
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"II*\x00", "an image"),
    (b"MM\x00*", "an image"),
    (b"%PDF", "a PDF document"),
    (b"{\\rtf", "a rich text document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
]
_MARKUP = re.compile(rb"<(!doctype|html|head|body|\?xml|svg|rss|!--|table)\b", re.IGNORECASE)
_WANTED = f"save the table as {TO_SAVE_AS} and upload that"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_EMPTY_ZIP = b"PK\x05\x06"
_PACKED = (*(each.magic for each in FORMATS.values() if each.magic and not each.is_gzipped), _OLD_OFFICE[:4])
"""How files begin that are not read out of gzip."""


def kind_of(path: Path) -> tuple[Kind, Compression]:
    """The kind of a file, by its first bytes and never by its name. Raises UnreadableFile for everything that is no
    table."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise UnreadableFile("The file is empty.")
    if head.startswith(GZIP_MAGIC):
        with open_bytes(path, "gzip") as stream:
            inner = stream.read(4096)
        if not inner:
            raise UnreadableFile("The gzip file holds an empty file.")
        if inner.startswith(GZIP_MAGIC):
            raise UnreadableFile("The file is compressed twice; unpack it once and upload that.")
        if inner.startswith(_PACKED):
            raise UnreadableFile("The gzip file holds a workbook or Parquet file; unpack it and upload what is inside.")
        _kind(inner, path)
        if inner[257:262] == b"ustar":
            raise UnreadableFile("The gzip file holds a tar archive; unpack it and upload the table inside.")
        return "csv", "gzip"
    return _kind(head, path), ""


def _kind(head: bytes, path: Path) -> Kind:
    if head.startswith((FORMATS["xlsx"].magic, _EMPTY_ZIP)):
        return _zip_kind(path, head)
    for kind, known in FORMATS.items():
        if known.magic and head.startswith(known.magic):
            return kind
    if head.startswith(_OLD_OFFICE):
        raise UnreadableFile(_old_office(path))
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"AVI ", b"WAVE"):
        raise UnreadableFile(f"This is an image or a recording, not a table; {_WANTED}.")
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise UnreadableFile(f"This is {what}, not a table; {_WANTED}.")
    text = head.lstrip(b"\xef\xbb\xbf").lstrip()
    if _MARKUP.match(text):
        raise UnreadableFile(f"This is a web page or XML, not a table; {_WANTED}.")
    if re.match(rb'(\[\s*)?\{\s*("|\})', text) or re.match(rb"\[\s*\[", text):
        raise UnreadableFile(f"This is JSON, not a table; {_WANTED}.")
    return "csv"


def _old_office(path: Path) -> str:
    """The reason why an old Office file can't be read: Excel wraps an encrypted .xlsx into the container of the old
    .xls format."""
    with path.open("rb") as file:
        beginning = file.read(8 << 20)
    if "EncryptedPackage".encode("utf-16-le") in beginning:
        return "The workbook is protected by a password; save it without one and upload that."
    return "This is an old Excel or Word file (before 2007); save it as .xlsx or CSV and upload that."


def _zip_kind(path: Path, head: bytes) -> Kind:
    if head[:2] == b"PK" and not zipfile.is_zipfile(path):
        raise UnreadableFile("The workbook or archive is broken: its end is missing.")
    try:
        with zipfile.ZipFile(path) as archive:
            inside = set(archive.namelist())
            if "xl/workbook.bin" in inside:
                raise UnreadableFile(
                    "This is a binary workbook (.xlsb); open it in Excel and save it as .xlsx, and upload that."
                )
            if any(name.startswith("xl/workbook") for name in inside):
                return "xlsx"
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFile("The workbook is broken and can't be unpacked.") from error
    if "content.xml" in inside or "word/document.xml" in inside:
        raise UnreadableFile(f"This is a text document or an OpenDocument sheet, not an .xlsx; {_WANTED}.")
    if "Index/Document.iwa" in inside or "Index.zip" in inside:
        raise UnreadableFile("This is a document of Numbers; export it from there as Excel or CSV and upload that.")
    raise UnreadableFile("This is a ZIP archive; unpack it and upload the table inside.")


class _Gunzip(io.RawIOBase):
    """A gzip stream whose troubles are sentences, and which stops before a small file fills the disk."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._gzip = gzip.GzipFile(fileobj=self._file)
        self._packed = path.stat().st_size
        self._unpacked = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        try:
            data = self._gzip.read(size)
        except EOFError as error:
            raise UnreadableFile("The gzip file is cut off: its end is missing; upload it again.") from error
        except (gzip.BadGzipFile, zlib.error, OSError) as error:
            raise UnreadableFile("The gzip file is damaged and can't be unpacked.") from error
        self._unpacked += len(data)
        if self._unpacked > limits.INFLATE_GRACE + limits.MAX_INFLATE_RATIO * self._packed:
            raise UnreadableFile("The gzip file unpacks to far more than a real table would; it is not read.")
        return data

    def close(self) -> None:
        self._gzip.close()
        self._file.close()
        super().close()


def open_bytes(path: Path, compression: Compression) -> BinaryIO:
    """The unpacked bytes, to be closed by the caller. Reading raises UnreadableFile where gzip is broken."""
    return cast("BinaryIO", _Gunzip(path)) if compression else path.open("rb")
