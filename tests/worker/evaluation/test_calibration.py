"""Calibration rows are validation rows that no fit looked at, the same ones for every technique, kept as they were."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.builders import a_catalogue
from worker.evaluation import calibration
from worker.specs import BaseSpec, ConstantSpec, LightGBMSpec, ZeroShotSpec
from worker.techniques.base import predictions

PAID = "there:m"


def validation(n: int, *, copies: int = 1) -> pl.DataFrame:
    """Items with prices; groups of so many near-duplicates."""
    return a_catalogue(n).with_columns(group_id=pl.col("row") // copies)


@pytest.mark.parametrize(
    ("spec", "rows", "drawn"),
    [
        (ConstantSpec(), 300, 300),
        (ConstantSpec(), 5_000, 1_000),
        (LightGBMSpec(), 300, 150),  # stops early by the other half
        (ZeroShotSpec(), 300, 200),
        (ZeroShotSpec(model=PAID), 300, 100),
        (ZeroShotSpec(recalibrate=True), 300, 150),
        (ZeroShotSpec(readout="auto", model=PAID), 300, 100),
        (ConstantSpec(), 19, 0),
        (LightGBMSpec(), 39, 0),
    ],
)
def test_it_takes_what_is_worth_it_and_leaves_half_to_a_fit_that_looks(spec: BaseSpec, rows: int, drawn: int) -> None:
    assert calibration.count(spec, rows) == drawn
    free, calibrating = calibration.divide(spec, validation(rows))
    assert len(calibrating) == drawn
    assert len(free) == rows - drawn


def test_techniques_share_their_calibration_rows() -> None:
    """Else an ensemble would have nothing to weigh its members by."""
    few, some, many = (
        set(calibration.divide(spec, validation(800))[1]["row"])
        for spec in (ZeroShotSpec(model=PAID), LightGBMSpec(), ConstantSpec())
    )
    assert few < some < many


def test_a_fit_sees_no_near_copy_of_a_calibration_row() -> None:
    free, calibrating = calibration.divide(LightGBMSpec(), validation(600, copies=3))
    assert len(free)
    assert not set(free["row"] // 3) & set(calibrating["row"] // 3)


def test_rows_without_a_price_calibrate_nothing() -> None:
    frame = validation(60).with_columns(price=pl.when(pl.col("row") % 2 == 0).then(pl.col("price")))
    _, calibrating = calibration.divide(ConstantSpec(), frame)
    assert len(calibrating) == 30
    assert calibrating["price"].null_count() == 0


def test_what_is_kept_reads_back() -> None:
    items = validation(4)
    priced = predictions(
        items, [10.0, 20.0, float("nan"), 5.0], low=[5.0, None, None, 4.0], high=[20.0, None, None, 6.0],
        seconds=[0.1] * 4, usd=[0.5, None, 0.0, 0.25], saved_usd=[0.0, 0.0, 0.5, 0.0], failed=[False] * 3 + [True],
    )  # fmt: skip
    kept = calibration.read(calibration.to_bytes(items["price"], priced))
    wanted = pl.DataFrame(
        {
            "row": items["row"], "truth": items["price"], "price": [10.0, 20.0, None, None],
            "low": [5.0, None, None, None], "high": [20.0, None, None, None],
            "status": ["ok", "ok", "unparsed", "failed"], "usd": [0.5, None, 0.5, 0.25], "seconds": [0.1] * 4,
        },
        schema=calibration.SCHEMA,
    )  # fmt: skip
    assert_frame_equal(kept, wanted)
    assert_frame_equal(calibration.read(None), wanted.clear())
