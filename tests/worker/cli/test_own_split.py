"""A column of sides and a column of dates, from the file to the terminal: told, counted, and nothing moved silently."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from db import datasets
from db.engine import begin
from db.errors import MappingError, NotReady
from db.types import Split
from tests.builders import products


def load(command: Callable[..., str], file: Path, *more: str) -> dict[str, Any]:
    return dict(json.loads(command("load", str(file), *more, "--json")))


def items(dataset_id: int) -> pl.DataFrame:
    with begin() as session:
        return datasets.items(session, dataset_id, details=True)


def test_her_own_sides_stand_and_what_cannot_be_read_is_left_out(command: Callable[..., str], tmp_path: Path) -> None:
    """Unreadable sides of priced rows are rejects; of rows without a price they mean nothing."""
    sides = ["train"] * 80 + ["holdout"] * 20
    prices = products(100)["price"].cast(pl.String).to_list()
    sides[0], sides[1], sides[2], sides[90] = "", "fold 3", "?", "fold 3"
    prices[2], prices[90], prices[99] = "", "", ""
    frame = products(100).with_columns(price=pl.Series(prices), split=pl.Series(sides))
    frame = frame.with_columns(
        title=pl.when(pl.col("row") >= 95).then(pl.lit("Chair in blue velvet 7")).otherwise("title")
    )
    frame = frame.with_columns(
        title=pl.when(pl.col("row") == 10).then(pl.lit("Chair in blue velvet 7")).otherwise("title")
    )
    frame.drop("row").write_csv(tmp_path / "hers.csv")
    said = load(command, tmp_path / "hers.csv")
    assert said["rejects"] == 2
    assert said["splits"] == {"train": 68, "validation": 9, "test": 18, "unpriced": 3}
    assert said["division"]["about"]["validation_cut"] == 9
    assert said["division"]["facts"] == [
        "Sides are those of the column split.",
        "There was no validation side, so 9 train rows became validation: drawn by whole groups of near-duplicates.",
    ]
    left_out, torn = said["division"]["doubts"]
    assert left_out.startswith("2 priced rows are left out, because the column split gives no side that can be read")
    assert torn.startswith(
        "1 group of near-duplicates has rows on several sides. 4 of 18 test rows have a near-duplicate"
    )
    known = items(said["dataset"])
    assert known.filter(pl.col("line") == 92)["split"].item() == Split.UNPRICED
    assert set(known.filter(pl.col("line") > 82, pl.col("price").is_not_null())["split"]) == {"test"}
    with begin() as session:
        assert set(datasets.rejects(session, said["dataset"])["reason"]) == {
            "side is missing", "side 'fold 3' names neither train, validation nor test",
        }  # fmt: skip
    assert "Sides are those of the column split." in command("load", str(tmp_path / "hers.csv"), "--same", "separate")


@pytest.mark.slow
def test_rows_are_divided_by_date_and_the_cut_can_be_set(command: Callable[..., str], tmp_path: Path) -> None:
    days = [date(2024, 1, 1) + timedelta(i) for i in range(200)]
    spelt = [day.strftime("%d.%m.%Y") for day in days]
    spelt[5] = "soon"
    frame = products(200).with_columns(sold=pl.Series(spelt)).drop("row")
    frame.write_csv(tmp_path / "dated.csv")
    plain = load(command, tmp_path / "dated.csv")
    assert plain["division"]["about"] is None, "a date divides only where somebody says so"
    said = load(command, tmp_path / "dated.csv", "--map", "date=sold")
    assert said["rejects"] == 1
    assert said["splits"]["test"] == 20
    known = items(said["dataset"])
    last = known.filter(pl.col("split") == "train")["line"].max()
    assert known.filter(pl.col("split") == "test")["line"].min() > last  # type: ignore[operator]
    assert "test rows are dated on or after 2024-06-29" in said["division"]["facts"][0]
    cut = load(command, tmp_path / "dated.csv", "--map", "date=sold", "--test-from", "2024-07-01")
    assert cut["splits"]["test"] == 18
    late = load(command, tmp_path / "dated.csv", "--map", "date=sold", "--test-from", "2030-01-01")
    assert late["division"]["doubts"][-1].startswith("No row is dated late enough for the test side")
    with pytest.raises(MappingError, match="no column holds dates"):
        command("load", str(tmp_path / "dated.csv"), "--test-from", "2024-07-01")


def test_dates_with_two_readings_are_not_loaded_before_somebody_says_which(
    command: Callable[..., str], tmp_path: Path
) -> None:
    spelt = [f"{1 + i % 12:02}/{1 + i % 11:02}/2024" for i in range(60)]
    products(60).with_columns(sold=pl.Series(spelt)).drop("row").write_csv(tmp_path / "open.csv")
    with pytest.raises(MappingError, match="Say what comes first in the dates of 'sold': with the day first"):
        command("load", str(tmp_path / "open.csv"), "--map", "date=sold")
    said = load(command, tmp_path / "open.csv", "--map", "date=sold", "--date-order", "month-first")
    assert said["rejects"] == 0
    assert said["division"]["about"]["test_from"] >= "2024-11"


def test_a_side_divides_where_there_is_a_date_too_and_dates_that_cannot_be_read_are_told(
    command: Callable[..., str], tmp_path: Path
) -> None:
    frame = products(60).with_columns(
        sold=pl.Series(["2024-05-01"] * 58 + ["soon", ""]), split=pl.Series(["test", *["train"] * 40, *["val"] * 19])
    )
    frame.drop("row").write_csv(tmp_path / "both.csv")
    said = load(command, tmp_path / "both.csv", "--map", "date=sold")
    assert (said["rejects"], said["splits"]["test"], said["splits"]["validation"]) == (0, 1, 19)
    assert said["division"]["doubts"] == [
        "2 items of 60 are without a date that can be read in the column sold: errors by date leave them out."
    ]


@pytest.mark.slow
def test_errors_by_date_are_told_with_their_intervals(command: Callable[..., str], tmp_path: Path) -> None:
    """Later prices are five times as far from what was learned: the error that grows is said to grow."""
    days = [date(2022, 1, 1) + timedelta(i) for i in range(1000)]
    late = pl.Series([max(0, i - 600) / 100 for i in range(1000)])
    frame = products(1000).with_columns(sold=pl.Series(days), price=(pl.col("price") * (1 + late)).round(2))
    frame.drop("row").write_csv(tmp_path / "dated.csv")
    command("load", str(tmp_path / "dated.csv"), "--map", "date=sold", "--test-from", "2023-08-24")
    command("price", "1", "--technique", "constant", "--rows", "test")
    said = json.loads(command("ageing", "1", "--json"))
    assert sum(line["n"] for line in said["rows"]) == 400
    assert said["rows"][0]["first"] == "2023-08-24"
    assert said["rows"][-1]["figure"] > 2 * said["rows"][0]["figure"]
    assert said["trends"][0]["low"] > 0
    assert "each month later makes its mean error worse" in said["sentences"][0]
    assert "24 Aug 2023" in command("ageing", "1")
    frame.drop("row", "sold").write_csv(tmp_path / "plain.csv")
    command("load", str(tmp_path / "plain.csv"))
    with pytest.raises(NotReady, match="has no column of dates"):
        command("ageing", "2")
