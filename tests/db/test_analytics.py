"""Search over all predictions of a job, on a Parquet snapshot."""

import os

from sqlalchemy import text

from db import analytics, predictions
from tests.builders import a_dataset, a_job, some_predictions


def a_snapshot(session):
    dataset_id = a_dataset(session, 100)
    job_id = a_job(session, dataset_id)
    predictions.add(session, job_id, some_predictions(range(40)))
    predictions.add(session, job_id, some_predictions(range(40, 50), status="unparsed"))
    return job_id, analytics.snapshot(session, job_id, "1")


def test_the_total_counts_all_and_the_frame_only_what_is_shown(session):
    _, path = a_snapshot(session)
    found, total = analytics.search(path, "", [], limit=7)
    assert (len(found), total) == (7, 50)
    assert found["row"].to_list() == list(range(7))


def test_every_word_must_occur_somewhere_in_any_case(session):
    _, path = a_snapshot(session)
    found, total = analytics.search(path, "LAMP acme", [], limit=100)
    assert 0 < total < 50
    assert set(found["category"]) == {"Lamps"}
    assert set(found["brand"]) == {"Acme"}


def test_quotes_and_wildcards_in_the_search_are_ordinary_characters(session):
    _, path = a_snapshot(session)
    for hostile in ("'; DROP TABLE items; --", "%", "_", '"'):
        assert analytics.search(path, hostile, [], limit=10)[1] == 0


def test_a_bracket_or_a_percent_sign_is_found_as_it_stands(session):
    job_id, _ = a_snapshot(session)
    session.execute(text("UPDATE items SET title = '50% [off] chair' WHERE row = 3"))
    path = analytics.snapshot(session, job_id, "other")
    assert analytics.search(path, "[OFF] 50%", [], limit=10)[0]["row"].to_list() == [3]


def test_status_narrows_the_search(session):
    _, path = a_snapshot(session)
    found, total = analytics.search(path, "", ["unparsed"], limit=100)
    assert total == 10
    assert found["price"].null_count() == 10


def test_a_new_version_replaces_the_old_snapshot(session):
    job_id, path = a_snapshot(session)
    predictions.add(session, job_id, some_predictions(range(50, 60)))
    newer = analytics.snapshot(session, job_id, "2")
    assert analytics.search(newer, "", [], limit=1)[1] == 60
    assert path.exists()  # somebody may be reading it
    os.utime(path, (0, 0))
    analytics.snapshot(session, job_id, "3")
    assert not path.exists()
