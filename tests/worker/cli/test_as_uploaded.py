"""`pricewright export JOB --as-uploaded`: the file that came in goes out with prices, every line of it."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from db.errors import UserError
from tests.builders import a_catalogue

Command = Callable[..., str]


def a_file(folder: Path, rows: int = 60, bare: int = 20) -> Path:
    """A catalogue as a shop exports it, whose last `bare` rows have no price, with lines that no reader can use."""
    items = a_catalogue(rows).with_columns(
        price=pl.when(pl.int_range(rows) < rows - bare).then(pl.col("price").round(2).cast(pl.String))
    )
    text = items.select("title", "description", "category", "price").write_csv(separator=";", quote_style="always")
    lines = ["Our list of November", "", *text.splitlines()]
    lines[10:10] = ['"only one cell"', "", '"Chair never closed;"x";"Chairs";"3']
    path = folder / "catalogue.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).replace("model", "modèle").encode())
    return path


def job_on(command: Command, file: Path, rows: str) -> str:
    return str(json.loads(command("price", str(file), "--technique", "ridge", "--rows", rows, "--json"))["jobs"][0])


def test_every_line_comes_back_with_what_was_said_of_it(command: Command, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = a_file(tmp_path)
    job = job_on(command, file, "unpriced")
    said = json.loads(command("export", job, "--as-uploaded", "--json"))
    assert said["files"] == ["catalogue-priced.csv"]
    assert said["flags"] == {"for a person": 2, "not priced": 40, "ok": 20}
    before, after = (Path(name).read_bytes().split(b"\r\n") for name in ("catalogue.csv", "catalogue-priced.csv"))
    assert len(before) == len(after)
    assert all(now.startswith(hers) for hers, now in zip(before, after))
    assert sum(now != hers for hers, now in zip(before, after)) == 1 + 62
    table = csv.DictReader(io.StringIO("\n".join(line.decode() for line in after[2:])), delimiter=";")
    rows = list(table)
    assert all(float(row["pricewright_price"]) > 0 for row in rows if row["pricewright_flag"] == "ok")
    assert {row["pricewright_reason"] for row in rows if row["price"]} >= {"its price is known already"}
    lost = [row["pricewright_reason"] for row in rows if row["pricewright_flag"] == "for a person"]
    assert ["cell instead of 4" in lost[0], "never closed" in lost[1]] == [True, True]
    assert all(reason.startswith("the row can't be read: ") for reason in lost)


@pytest.mark.slow
def test_a_name_that_promises_another_format_is_refused(command: Command, tmp_path) -> None:
    job = job_on(command, a_file(tmp_path), "unpriced")
    with pytest.raises(UserError, match=r"choose a name that ends in \.csv, \.tsv or \.txt"):
        command("export", job, str(tmp_path / "prices.xlsx"), "--as-uploaded")
    with pytest.raises(UserError, match="Say where to write"):
        command("export", job)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalogue.csv"]


@pytest.mark.slow
def test_a_workbook_and_parquet_come_back_as_such(command: Command, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    items = a_catalogue(60).with_columns(price=pl.when(pl.int_range(60) < 40).then(pl.col("price"))).drop("row")
    items.write_excel(tmp_path / "list.xlsx")
    items.write_parquet(tmp_path / "list.parquet")
    for name, reads in (("list.xlsx", pl.read_excel), ("list.parquet", pl.read_parquet)):
        command("export", job_on(command, tmp_path / name, "unpriced"), "--as-uploaded")
        after = reads(tmp_path / name.replace("list", "list-priced"))
        assert after.select(items.columns).equals(reads(tmp_path / name))
        assert after["pricewright_flag"].to_list() == ["not priced"] * 40 + ["ok"] * 20
        prices = after["pricewright_price"].drop_nulls()
        assert len(prices) == 20
        assert (prices == prices.round(2)).all() is name.endswith("xlsx")


@pytest.mark.slow
def test_the_rest_of_real_products_is_priced(command: Command, amazon_items: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    items = pl.read_csv(amazon_items, infer_schema=False)
    known = pl.int_range(len(items)) < 3_000
    hers = gzip.compress(items.with_columns(price=pl.when(known).then(pl.col("price"))).write_csv().encode())
    Path("rest.csv.gz").write_bytes(hers)
    job = job_on(command, Path("rest.csv.gz"), "unpriced")
    flags = json.loads(command("export", job, "--as-uploaded", "--json"))["flags"]
    assert sum(flags.values()) == len(items)
    after = pl.read_csv(Path("rest-priced.csv.gz"), infer_schema=False)
    assert after.select(items.columns).equals(pl.read_csv(hers, infer_schema=False))
    rest = after.filter(pl.col("price").is_null())
    assert len(rest) == len(items) - 3_000
    assert rest["pricewright_price"].str.contains(r"^\d+\.\d\d$").all()
    packed, unpacked = gzip.decompress(hers).split(b"\n"), gzip.decompress(Path("rest-priced.csv.gz").read_bytes())
    assert all(now.startswith(line) for line, now in zip(packed, unpacked.split(b"\n"), strict=True))
