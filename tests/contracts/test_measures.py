"""The table of error measures: every entry is measured, judged, shown and written wherever errors are."""

import math
from typing import get_args

import polars as pl
import pytest
from rich.console import Console

from dashboard.parts.tradeoffs import charts
from dashboard.shared import verdicts
from worker.cli import tables
from worker.evaluation import compare, metrics
from worker.evaluation.measures import DECIDING, MEASURES, SHOWN, USUAL, Average, Measure, Unit

every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
deciding = pytest.mark.parametrize("measure", DECIDING.values(), ids=DECIDING)


def predictions(job_id: int, share_off: float) -> pl.DataFrame:
    """Fifty items, each guessed too dear by this share."""
    truth = [10.0 + row for row in range(50)]
    return pl.DataFrame(
        {
            "job_id": [job_id] * 50,
            "row": range(50),
            "group_id": range(50),
            "truth": truth,
            "price": [price * (1 + share_off) for price in truth],
            "status": ["ok"] * 50,
            **dict.fromkeys(("usd", "saved_usd", "seconds"), [0.0] * 50),
            **dict.fromkeys(("tokens_in", "tokens_out"), [0] * 50),
        }
    )


@every_measure
def test_a_measure_is_called_by_its_key_and_says_what_it_is(measure: Measure) -> None:
    assert MEASURES[measure.key] is measure
    assert all((measure.label, measure.short, measure.terminal, measure.about, measure.error))
    assert measure.average in get_args(Average)
    assert measure.unit in get_args(Unit)


def test_the_usual_measure_stands_first_and_no_two_share_a_name() -> None:
    assert next(iter(DECIDING)) == USUAL
    for field in ("key", "label", "short", "terminal"):
        names = [getattr(measure, field) for measure in MEASURES.values()]
        assert len(set(names)) == len(names), field
    of_item = {measure.error: measure.of_item for measure in MEASURES.values()}
    assert all(measure.of_item.meta.eq(of_item[measure.error]) for measure in MEASURES.values())


@every_measure
def test_exact_guesses_are_better_than_wrong_ones_in_the_direction_that_the_table_says(measure: Measure) -> None:
    exact, wrong = (metrics.summary(predictions(1, off))[measure.key] for off in (0.0, 0.5))
    assert (exact < wrong) is measure.lower_is_better
    assert measure.key in compare.COLUMNS


@deciding
def test_a_comparison_can_be_judged_by_it_and_the_nearer_job_is_ahead(measure: Measure) -> None:
    table = compare.table(pl.concat([predictions(1, 0.5), predictions(2, 0.1)]), n_boot=50, by=measure.key)
    assert table["job_id"].to_list() == [2, 1]
    assert table["verdict"].to_list() == ["best", "worse"]
    assert table[f"{measure.key}_low"].null_count() == table[f"{measure.key}_high"].null_count() == 0
    said = verdicts.verdict(table, {1: "one", 2: "two"}, measure)
    assert measure.short.lower() in said
    assert measure.written(table[measure.key][0]) in said
    shown = table.with_columns(
        label=pl.lit("a job"), family=pl.lit("baseline"), usd_per_1000=pl.lit(1.0), frontier_odds=pl.lit(0.5)
    )
    assert measure.label in str(charts.trade_off(shown, measure).to_dict())


def test_the_table_of_the_terminal_has_a_column_for_each_usual_one() -> None:
    table = compare.table(predictions(1, 0.1), n_boot=50)
    rows = [
        line | {"description": "a job", "fixed_usd": 0.0, "frontier_odds": 0.5, "covered": 0.9, "width": 1.0}
        for line in table.to_dicts()
    ]
    console = Console(width=300)
    with console.capture() as printed:
        console.print(tables.comparison(rows))
    for measure in (DECIDING[key] for key in SHOWN):
        assert measure.terminal in printed.get()
        assert measure.cell(rows[0][measure.key]) in printed.get()


@every_measure
def test_a_figure_is_written_with_its_unit_and_a_missing_one_is_no_zero(measure: Measure) -> None:
    assert measure.written(None) == measure.cell(None) == "–"
    assert measure.written(0.25) == {"price": "$0.25", "share": "25%", "log": "0.250", "number": "0.250"}[measure.unit]
    assert math.isclose(float(measure.cell(0.25).rstrip("%")), 25 if measure.unit == "share" else 0.25)


def test_every_verdict_has_words() -> None:
    assert set(verdicts.VERDICTS) == set(get_args(compare.Verdict))
    assert set(charts.AXES) == set(get_args(Unit))
