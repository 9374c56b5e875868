"""The Batches page: by month, files aside with their sentence, downloads, real prices and what to do about them."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from db import datasets, jobs, pricer_batches
from db.engine import begin
from db.types import BatchState, JobKind
from tests.builders import a_catalogue
from tests.dashboard.conftest import Open, is_well, labels, texts
from tests.worker.batches.conftest import Watched, pricer, still, watched
from tests.worker.conftest import drain, sent
from worker.batches import actions

__all__ = ["pricer", "sent", "still", "watched"]


def test_without_batches_the_page_says_how_to_get_one(open_page: Open) -> None:
    at = open_page("batches")
    assert is_well(at)
    assert "No file was priced by a pricer yet" in texts(at)
    assert "pricewright watch IN" in texts(at)


@pytest.fixture
def month(watched: Watched) -> Watched:
    """One file priced and one aside."""
    letters = np.random.default_rng(4).choice(list("abcdefghijklmnop"), (60, 8, 5))
    words = pl.Series([" ".join("".join(word) for word in row) for row in letters])
    table = a_catalogue(60, seed=4).with_columns(sku=pl.format("S-{}", "row"), title=words, description=words)
    table.drop("row", "price").write_csv(watched.inbox / "may.csv")
    (watched.inbox / "bad [x].csv").write_bytes(b"")
    watched.run()
    return watched


@pytest.mark.slow
def test_a_month_its_files_and_one_that_lies_aside(open_page: Open, month: Watched) -> None:
    with begin() as session:
        batches = {batch.file_name: batch for batch in pricer_batches.all(session)}
        pricer_batches.change(session, batches["may.csv"].id, usd=None)
    at = open_page("batches", batch=str(batches["may.csv"].id))
    assert is_well(at)
    months, files = (each.value for each in at.dataframe[:2])
    assert (months["Batches"][0], months["Rows"][0], months["Aside"][0], months["Cost"][0]) == (1, 60, 1, "unknown")
    assert sorted(files["State"]) == ["aside", "priced"]
    downloads = [button.proto.label for button in at.get("download_button")]
    assert "The file with prices" in downloads
    assert "Bring real prices" in [each.label for each in at.expander]
    links = {each.proto.label for each in at.get("page_link")}
    assert f"Job {batches['may.csv'].job_id}" in links

    at = open_page("batches", batch=str(batches["bad [x].csv"].id))
    assert not at.exception
    assert batches["bad [x].csv"].state is BatchState.ASIDE
    assert any(str(batches["bad [x].csv"].error)[:20] in error.value for error in at.error)
    assert "The file with prices" not in [button.proto.label for button in at.get("download_button")]


@pytest.mark.slow
def test_real_prices_and_a_promise_that_broke(open_page: Open, month: Watched, sent: list[int], tmp_path: Path) -> None:
    (batch,) = [each for each in actions.every() if each.state is BatchState.PRICED]
    at = open_page("batches", batch=str(batch.id))
    table = a_catalogue(60, seed=4).select(pl.format("S-{}", "row").alias("sku"), pl.col("price") * 5)
    uploader: Any = at.get("file_uploader")[0]
    uploader.upload("real.csv", table.write_csv().encode(), "text/csv").run()
    next(button for button in at.button if button.label == "Compare").click().run()
    assert is_well(at)
    drain(sent)
    at = open_page("batches", batch=str(batch.id))
    assert not at.exception
    said = texts(at)
    assert "60 rows of 60 have a real price, matched by id" in said
    assert "The promise broke: mean error $" in said.replace("\\", "")
    assert at.dataframe[0].value["Real"][0].startswith("$")
    assert "learn anew from both" in said
    next(button for button in at.button if button.label == "Join the real prices").click().run()
    drain(sent)
    with begin() as session:
        joined = [each for each in datasets.all(session) if each.joined_from]
        assert [each.items for each in joined] == [360]
        assert jobs.latest(session, joined[0].id, JobKind.LOAD) is not None
    assert "Compare" in labels(open_page("batches", batch=str(batch.id)))
