"""Files of which nothing can be read."""

import gzip

import pyarrow as pa

from tests.worker.ingest.cases.base import HEAD, PLAIN, Case, arrow_parquet, lines, parquet, workbook, zipped
from tests.worker.ingest.cases.containers import FRAME, SHEET

BROKEN_SHEET = workbook(("P", SHEET))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

UNREADABLE = [
    Case("empty file", "t.csv", b"", error="empty"),
    Case("empty gzip", "t.csv.gz", gzip.compress(b""), error="empty"),
    Case("only blank lines", "t.csv", b"\n\n  \n\n", error="no text"),
    Case("only a mark", "t.csv", b"\xef\xbb\xbf", error="no text"),
    Case("only a header", "t.csv", lines(HEAD), error="no rows"),
    Case("header and blank lines", "t.csv", lines(HEAD, "", "", ""), error="no rows"),
    Case("random bytes", "t.csv", bytes((i * 7919 + i // 256 * 31) % 256 for i in range(5000)), error="not text"),
    Case("zeros", "t.csv", bytes(5000), error="not text"),
    Case("image", "t.csv", b"\x89PNG\r\n\x1a\n" + bytes(100), error="an image"),
    Case("PDF", "t.csv", b"%PDF-1.7 ...", error="a PDF"),
    Case("web page", "t.csv", b"<!DOCTYPE html><html><body>Sign in</body></html>", error="web page"),
    Case("JSON", "t.csv", b'[{"title": "Lamp", "price": 5}]', error="JSON"),
    Case("cut gzip", "t.csv.gz", gzip.compress(PLAIN * 50)[:-20], error="cut off"),
    Case("damaged gzip", "t.csv.gz", gzip.compress(PLAIN * 50)[:-8] + bytes(8), error="gzip file is damaged"),
    Case("gzip of a workbook", "t.xlsx.gz", gzip.compress(BROKEN_SHEET), error="unpack"),
    Case("gzip bomb", "t.csv.gz", lambda: gzip.compress(bytes(80 << 20)), error="far more"),
    Case("ZIP of a CSV", "t.zip", zipped("t.csv", PLAIN), error="ZIP archive"),
    Case("workbook cut in half", "t.xlsx", BROKEN_SHEET[: len(BROKEN_SHEET) // 2], error="broken"),
    Case("workbook without content", "t.xlsx", zipped("xl/workbook.xml", b"<oops"), error="broken"),
    Case(
        "workbook with cells all over the place",
        "t.xlsx",
        lambda: workbook(
            ("P", SHEET), ("Q", [row for i in range(100) for row in ([None] * (15 * i) + [i], *[[]] * 400)])
        ),
        error="100 cells over 39,700 rows and 1,486 columns",
    ),
    Case(
        "workbook whose texts are long and used often",
        "t.xlsx",
        lambda: workbook(("P", [["title"], *[["y" * 30_000]] * 80_000])),
        error="The texts of the workbook take 2 GB",
    ),
    Case(
        "Parquet whose columns have names that are not UTF-8",
        "t.parquet",
        arrow_parquet(titleZ=pa.array(["Lamp"])).replace(b"titleZ", b"title\xff"),
        error="broken",
    ),
    Case("workbook without rows", "t.xlsx", workbook(("P", [])), error="no rows"),
    Case(
        "workbook with a password",
        "t.xlsx",
        OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
        error="password",
    ),
    Case("old Excel", "t.xls", OLE + bytes(600), error="old Excel"),
    Case("cut Parquet", "t.parquet", parquet(FRAME)[:-30], error="broken or cut"),
    Case("Parquet without rows", "t.parquet", parquet(FRAME.clear()), error="no rows"),
]
