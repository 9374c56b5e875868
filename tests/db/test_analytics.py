"""Search over all predictions of a job, on a Parquet snapshot."""

import os

import polars as pl
import pytest
from sqlalchemy import text

from db import analytics, predictions
from db.analytics import COLUMNS, EVERYTHING, Filters, Order
from db.errors import UserError
from tests.builders import a_dataset, a_job, some_predictions


def a_snapshot(session):
    dataset_id = a_dataset(session, 100)
    job_id = a_job(session, dataset_id)
    predictions.add(session, job_id, some_predictions(range(40)))
    predictions.add(session, job_id, some_predictions(range(40, 50), status="unparsed"))
    return job_id, analytics.snapshot(session, job_id, "1")


def test_the_total_counts_all_and_the_frame_only_what_is_shown(session):
    _, path = a_snapshot(session)
    assert analytics.count(path) == 50
    assert analytics.page(path, limit=7)["row"].to_list() == list(range(7))


def test_every_word_must_occur_somewhere_in_any_case(session):
    _, path = a_snapshot(session)
    wanted = Filters("LAMP acme")
    found = analytics.fitting(path, wanted)
    assert 0 < len(found) < 50
    assert analytics.count(path, wanted) == len(found)
    assert set(found["category"]) == {"Lamps"}
    assert set(found["brand"]) == {"Acme"}


def test_quotes_and_wildcards_in_the_search_are_ordinary_characters(session):
    _, path = a_snapshot(session)
    for hostile in ("'; DROP TABLE items; --", "%", "_", '"'):
        assert analytics.count(path, Filters(hostile)) == 0
        assert analytics.count(path, Filters(contains=(("title", hostile),), among=(("brand", (hostile,)),))) == 0


def test_a_bracket_or_a_percent_sign_is_found_as_it_stands(session):
    job_id, _ = a_snapshot(session)
    session.execute(text("UPDATE items SET title = '50% [off] chair' WHERE row = 3"))
    path = analytics.snapshot(session, job_id, "other")
    assert analytics.fitting(path, Filters("[OFF] 50%"))["row"].to_list() == [3]


def test_status_narrows_the_search(session):
    _, path = a_snapshot(session)
    found = analytics.fitting(path, Filters(among=(("status", ("unparsed",)),)))
    assert len(found) == 10
    assert found["price"].null_count() == 10


def test_a_new_version_replaces_the_old_snapshot(session):
    job_id, path = a_snapshot(session)
    predictions.add(session, job_id, some_predictions(range(50, 60)))
    newer = analytics.snapshot(session, job_id, "2")
    assert analytics.count(newer) == 60
    assert path.exists()  # somebody may be reading it
    os.utime(path, (0, 0))
    analytics.snapshot(session, job_id, "3")
    assert not path.exists()


def doubtful(session, n=40):
    """A snapshot of n predictions whose intervals, $40 to $60, hold some true prices; the first has none."""
    dataset_id = a_dataset(session, n)
    job_id = a_job(session, dataset_id)
    wide = some_predictions(range(n)).with_columns(
        price=pl.lit(50.0) + pl.col("row") % 7, low=pl.lit(40.0), high=pl.lit(60.0)
    )
    predictions.add(session, job_id, wide.with_columns(low=pl.when(pl.col("row") > 0).then(pl.col("low"))))
    return analytics.snapshot(session, job_id, "1")


def test_each_filter_finds_what_the_whole_frame_says(session):
    path = doubtful(session)
    whole = pl.read_parquet(path)
    truth, category = pl.col("truth"), pl.col("category")
    known = {
        Filters(contains=(("title", "MODEL 1"),)): pl.col("title").str.contains("model 1"),
        Filters(among=(("category", ("Lamps", "Tools")),)): category.is_in(["Lamps", "Tools"]),
        Filters(between=(("price", 51.0, 53.0),)): pl.col("price").is_between(51, 53),
        Filters(between=(("row", 30, None),)): pl.col("row") >= 30,
        Filters(between=(("off", None, 10.0),)): pl.col("error").abs() <= 10,
        Filters(between=(("off_share", 0.5, None),)): pl.col("error").abs() / truth >= 0.5,
        Filters(inside=True): truth.is_between(pl.col("low"), pl.col("high")),
        Filters(inside=False): ~truth.is_between(pl.col("low"), pl.col("high")),
        Filters("lamp", among=(("brand", ("Acme",)),), inside=True): (category == "Lamps")
        & (pl.col("brand") == "Acme")
        & truth.is_between(pl.col("low"), pl.col("high")),
    }
    for filters, condition in known.items():
        wanted = whole.filter(condition)["row"].to_list()
        assert 0 < len(wanted) < len(whole), filters
        assert analytics.fitting(path, filters)["row"].to_list() == wanted, filters
        assert analytics.count(path, filters) == len(wanted)
    assert 0 not in analytics.fitting(path, Filters(inside=False))["row"]  # it has no interval to be outside of


@pytest.mark.slow
@pytest.mark.parametrize("descending", [False, True])
def test_pages_one_after_the_other_are_everything_sorted_by_any_column(session, descending):
    path = doubtful(session)
    for column in COLUMNS:
        order = Order(column, descending)
        pages = [analytics.page(path, EVERYTHING, order, limit=7, offset=offset) for offset in range(0, 49, 7)]
        assert pl.concat(pages).equals(analytics.fitting(path, order=order)), column
        assert [len(page) for page in pages] == [7, 7, 7, 7, 7, 5, 0]
    dear = analytics.page(path, order=Order("truth", True), limit=1)["truth"].item()
    assert dear == pl.read_parquet(path)["truth"].max()
    assert analytics.page(path, order=Order("low", descending), limit=1, offset=39)["low"].item() is None


def test_what_a_column_holds_is_told_the_most_frequent_first(session):
    path = doubtful(session)
    counts = pl.read_parquet(path)["category"].value_counts().sort("count", "category", descending=[True, False])
    assert analytics.values(path, "category") == counts["category"].to_list()


def test_a_column_that_is_not_there_is_refused(session):
    path = doubtful(session)
    for filters in (Filters(contains=(("1=1 OR title", "x"),)), Filters(between=(("evidence", 1, 2),))):
        with pytest.raises(UserError, match="There is no column"):
            analytics.count(path, filters)
    with pytest.raises(UserError, match="There is no column"):
        analytics.page(path, order=Order("row; DROP"), limit=1)
