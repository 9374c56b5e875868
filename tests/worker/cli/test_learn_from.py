"""`pricewright price FILE --learn-from DATASET`: what was learned on one file prices the next."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from db import jobs
from db.engine import begin
from db.errors import NotReady, UserError
from db.types import JobKind
from tests.builders import a_catalogue

pytestmark = pytest.mark.slow  # whole jobs

Command = Callable[..., str]
LEFT, RIGHT = ("title", "description", "category", "brand", "price"), ("brand", "category", "title", "description")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A catalogue with prices, and a new table: no prices, other column order, two categories that are new."""
    old, new = tmp_path / "products.csv", tmp_path / "new.csv"
    a_catalogue(400).select(LEFT).write_csv(old)
    table = a_catalogue(60, seed=2).with_columns(title=pl.format("{} of the new season", "title"))
    table = table.with_columns(
        category=pl.when(pl.col("row") < 3)
        .then(pl.lit("Boats"))
        .when(pl.col("row") < 5)
        .then(pl.lit("Kites"))
        .otherwise("category")
    )
    table.select(RIGHT).write_csv(new)
    return old, new


def test_a_file_without_prices_is_priced_by_what_did_best_on_another(
    command: Command, files: tuple[Path, Path], tmp_path: Path
) -> None:
    old, new = files
    out = tmp_path / "priced.csv"
    command("price", str(old), "--technique", "constant", "--technique", "ridge", "--rows", "test")
    said = command("price", str(new), "--learn-from", "products", "--out", str(out))
    assert "Ridge on words is taken: mean error " in said
    assert "on validation rows of products, the least of 2 techniques" in said
    assert "Ridge on words, learned from products (dataset 1): 60 of 60 rows priced." in said
    frame = pl.read_csv(out)
    assert len(frame) == 60
    assert frame["price"].null_count() == 0
    with begin() as session:
        (job,) = jobs.all(session, 2, JobKind.PRICE)
    again = json.loads(command("price", str(new), "--learn-from", "1", "--technique", "ridge", "--json"))
    assert (again["source"], again["file"]["reused"], again["jobs"]) == (1, True, [job.id])


def test_too_few_prices_are_answered_with_the_dataset_to_learn_from(command: Command, files: tuple[Path, Path]) -> None:
    old, new = files
    command("load", str(old))
    with pytest.raises(NotReady) as refused:
        command("price", str(new), "--technique", "ridge")
    sentence = str(refused.value)
    assert sentence.startswith("new has no rows with a price to learn from. The dataset that it resembles most is 1: ")
    assert "products has 4 of its 4 columns, the category of 92% of its rows and 83% of" in sentence
    assert sentence.endswith("Learn from it with --learn-from 1.")
    with begin() as session:
        assert not [job for job in jobs.all(session) if job.technique]
    with pytest.raises(NotReady, match="Nothing was priced in products"):
        command("price", str(new), "--learn-from", "products")
    with pytest.raises(UserError, match="--technique; or --learn-from"):
        command("price", str(new))


def test_a_source_too_small_is_told(command: Command, files: tuple[Path, Path], tmp_path: Path) -> None:
    _, new = files
    tiny = tmp_path / "tiny.csv"
    a_catalogue(20).select(LEFT).write_csv(tiny)
    command("load", str(tiny))
    told = json.loads(command("price", str(new), "--learn-from", "tiny", "--technique", "constant", "--json"))
    assert "tiny has only 18 rows with a price to learn from" in told["warnings"][0]
    with pytest.raises(NotReady, match="new has no rows with a price to learn from|has none to learn from"):
        command("price", str(new), "--technique", "constant")  # nothing large enough to be proposed


def test_several_sources_are_learned_from_at_once(command: Command, files: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = files
    second = tmp_path / "more.csv"
    a_catalogue(200, seed=5).select(LEFT).write_csv(second)
    command("load", str(old))
    command("load", str(second))
    told = json.loads(
        command(
            "price", str(new), "--learn-from", "products", "--learn-from", "more", "--technique", "constant", "--json"
        )
    )
    assert told["source"] == 3
    assert "learned from products + more (dataset" in command("jobs")
