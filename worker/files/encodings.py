"""The beginning of a text file in each encoding that it may have, for who chooses one."""

import codecs
import gzip
import zlib
from functools import lru_cache
from pathlib import Path

from worker.files.formats import FORMATS, GZIP_MAGIC

OFFERED = (
    *("utf-8", "cp1252", "utf-16", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949", "gb18030", "big5"),
    *("cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("koi8-r", "koi8-u", "mac_roman", "iso8859-2", "iso8859-15", "latin-1"),
)
"""Names of the encodings that are offered; any other that Python knows is read as well."""

_READ = 512 << 10
_SHOWN = 60


def of_head(head: bytes) -> dict[str, str]:
    """Name of an encoding -> the first line of the beginning of a text beyond ASCII, as it reads it; "" where there is
    none. Encodings that can't read the beginning are left out."""
    lines = {}
    for name in OFFERED:
        if name == "utf-16" and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            continue  # nearly any bytes are some letters of it
        try:
            text = codecs.getincrementaldecoder(name)("strict").decode(head).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
        line = next((line.strip() for line in text.splitlines() if not line.isascii()), "")
        lines[name] = "".join(c if c.isprintable() else " " for c in line[:_SHOWN])
    return lines


@lru_cache(32)  # files are kept under the hash of their content
def of_file(path: Path) -> dict[str, str]:
    """As `of_head`, of a stored file; {} for one that is no text, or is gone."""
    try:
        with path.open("rb") as file:
            head = file.read(_READ)
        if head.startswith(GZIP_MAGIC):
            with gzip.open(path) as file:
                head = file.read(_READ)
    except (OSError, EOFError, zlib.error):
        return {}
    packed = tuple(each.magic for each in FORMATS.values() if each.magic)
    return {} if not head or head.startswith(packed) else of_head(head)
