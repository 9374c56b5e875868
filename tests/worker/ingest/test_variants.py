"""Variants have the texts of their product, however the rows fall into blocks, in bounded memory."""

from pathlib import Path

import polars as pl
import pytest

from worker.ingest import read, variants
from worker.progress import Silent

FAMILY = variants.Family("Handle", "Handle")


def inherited(blocks: list[list[tuple[str, str]]]) -> list[str]:
    inheritance = variants.Inheritance(FAMILY, ["Handle", "Title"])
    titles: list[str] = []
    for block in blocks:
        frame = pl.DataFrame(block, schema={"c0": pl.String, "c1": pl.String}, orient="row")
        nothing = pl.Series([""] * len(block))
        texts = {"title": frame["c1"], **dict.fromkeys(("description", "category", "brand"), nothing)}
        assert inheritance.apply(frame, texts) == []
        titles += texts["title"].to_list()
        assert len(inheritance._known) <= variants.KEPT
    return titles


ROWS = [("a", "Oak"), ("a", ""), ("b", ""), ("b", "Mug"), ("a", ""), ("b", ""), ("", ""), ("a", "Other"), ("a", "")]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_blocks_decide_nothing(size: int) -> None:
    blocks = [ROWS[i : i + size] for i in range(0, len(ROWS), size)]
    assert inherited(blocks) == ["Oak", "Oak", "", "Mug", "Oak", "Mug", "", "Other", "Oak"]


def test_no_more_products_are_kept_than_the_bound(monkeypatch) -> None:
    monkeypatch.setattr(variants, "KEPT", 3)
    products = [[(f"p{i}", f"Thing {i}")] for i in range(10)]
    assert inherited([*products, [("p9", ""), ("p0", "")]])[-2:] == ["Thing 9", ""]


@pytest.mark.slow
def test_a_large_export_keeps_every_line(tmp_path: Path) -> None:
    path = tmp_path / "t"
    rows = [
        line
        for i in range(20_000)
        for line in (
            f"h{i},Product {'y' * 150} {i},{i + 1}.50,",
            f"h{i},,{i + 2}.50,",
            f"h{i},,,https://x.example/{i}.jpg",
        )
    ]
    path.write_text("\n".join(["Handle,Title,Variant Price,Image Src", *rows]) + "\n")
    inspection = read.inspect(path, "t.csv")
    batches = list(read.batches(path, inspection, inspection.mapping, Silent()))
    items = pl.concat([batch.items for batch in batches])
    assert len(batches) > 1
    assert (len(items), sum(len(batch.rejects) for batch in batches)) == (40_000, 20_000)
    numbers = [int(title.rpartition(" ")[2]) for title in items["title"]]
    assert numbers == [i for i in range(20_000) for _ in range(2)]
