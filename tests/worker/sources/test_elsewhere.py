"""Jobs that learned from another dataset: every row priced, nothing fitted twice, what was learned used as it is."""

import polars as pl
import pytest

from db import datasets, jobs
from db.engine import begin
from db.errors import NotReady, UserError, WrongState
from db.types import JobKind, Split
from tests.builders import a_catalogue, a_dataset
from tests.money import dollars
from tests.worker.conftest import drain
from tests.worker.hashed import HashedWords
from tests.worker.sources.conftest import a_table, kept, priced
from worker import specs
from worker.datasets import actions as dataset_actions
from worker.jobs import actions as job_actions
from worker.pricing import actions, comparison

__all__ = ["dollars"]

pytestmark = pytest.mark.slow  # whole jobs

MEMBERS = [{"technique": "ridge"}, {"technique": "neighbours"}]
LEARNING: dict[str, specs.BaseSpec] = {
    "constant": specs.ConstantSpec(),
    "ridge": specs.RidgeSpec(),
    "lightgbm": specs.parse({"technique": "lightgbm", "trees": 20}),
    "neighbours": specs.parse({"technique": "neighbours"}),
    "sparse-mlp": specs.parse({"technique": "sparse-mlp"}),
    "ensemble": specs.parse({"technique": "ensemble", "members": MEMBERS}),
    "cascade": specs.parse({"technique": "cascade", "members": MEMBERS}),
}


@pytest.mark.parametrize("name", LEARNING)
def test_what_was_learned_on_one_table_prices_every_row_of_the_next(
    database: str, sent: list[int], embedded: HashedWords, name: str
) -> None:
    with begin() as session:
        source_id = a_dataset(session, 400, name="products")
        table_id = a_dataset(session, 0, unpriced=30, name="new")
    priced(source_id, LEARNING[name], sent)
    before, embedded.embedded = kept(), []
    frame = priced(table_id, LEARNING[name], sent, source_id)
    assert kept() == before
    assert len(embedded.embedded) <= 30  # its own rows, and none of the source's
    assert frame["row"].to_list() == list(range(30))
    assert frame["price"].null_count() == 0
    assert frame["price"].is_between(10, 90).all()
    assert frame["low"].null_count() == 0  # the source's calibration
    with begin() as session:
        (job,) = jobs.all(session, table_id)
        assert job.source_fingerprint == datasets.fingerprint(datasets.get(session, source_id))


def test_rows_of_every_side_are_priced_and_the_job_is_another_one(
    database: str, sent: list[int], embedded: HashedWords
) -> None:
    with begin() as session:
        source_id, table_id = a_dataset(session, 400), a_dataset(session, 40, unpriced=5)
    own = priced(table_id, specs.RidgeSpec(), sent)
    frame = priced(table_id, specs.RidgeSpec(), sent, source_id)
    assert len(own) == 4 + 5
    assert len(frame) == 45
    with begin() as session:
        assert len(jobs.all(session, table_id)) == 2
    assert actions.start(table_id, [specs.RidgeSpec()], source_id=source_id) != actions.start(
        table_id, [specs.RidgeSpec()]
    )


def test_a_source_in_use_is_not_deleted(database: str, sent: list[int]) -> None:
    with begin() as session:
        source_id, table_id = a_dataset(session, 100, name="products"), a_dataset(session, 0, unpriced=5, name="new")
    priced(table_id, specs.ConstantSpec(), sent, source_id)
    with pytest.raises(WrongState, match=r"products can't be deleted: job \d+ on new learned from it"):
        dataset_actions.delete_dataset(source_id)
    dataset_actions.delete_dataset(table_id)
    dataset_actions.delete_dataset(source_id)


def test_a_source_without_prices_is_refused(database: str, sent: list[int]) -> None:
    with begin() as session:
        source_id, table_id = a_dataset(session, 0, unpriced=5, name="empty"), a_dataset(session, 0, unpriced=5)
    with pytest.raises(NotReady, match="Nothing can be learned from empty"):
        actions.start(table_id, [specs.ConstantSpec()], source_id=source_id)


def test_several_datasets_are_learned_from_together(database: str, sent: list[int]) -> None:
    with begin() as session:
        parts = [a_dataset(session, 100, name="one"), a_dataset(session, 100, name="two", scale=3)]
        table_id = a_dataset(session, 0, unpriced=10)
    joined = dataset_actions.join(parts)
    drain(sent)
    assert dataset_actions.join(list(reversed(parts))) == joined
    with begin() as session:
        dataset = datasets.get(session, joined)
        frame = datasets.items(session, joined, details=True)
    assert (dataset.name, dataset.items, dataset.joined_from) == ("one + two", 200, tuple(parts))
    # The tables have the same products: each stands on one side.
    assert frame.group_by("title").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(dataset.splits) == set(Split)
    assert priced(table_id, specs.ConstantSpec(), sent, joined)["price"].null_count() == 0
    with pytest.raises(WrongState, match="one can't be deleted: one \\+ two"):
        dataset_actions.delete_dataset(parts[0])


def sentences(dataset_id: int) -> list[str]:
    with begin() as session:
        job_ids = [job.id for job in jobs.all(session, dataset_id)]
    return [each for each in comparison.unlike(job_ids) if "told apart" not in each]


def test_what_the_source_never_had_and_copies_of_its_rows_are_told(database: str, sent: list[int]) -> None:
    fresh = a_catalogue(50, seed=9).with_columns(
        title=pl.format("{} quite another thing number {}", "title", pl.col("row") * 7919),
        description=pl.format("wholly new text {} about {}", pl.col("row") * 104729, pl.col("row") * 15485863),
        category=pl.when(pl.col("row") < 3).then(pl.lit("Boats")).otherwise("category"),
        brand=pl.when(pl.col("row") < 1).then(pl.lit("Novo")).otherwise("brand"),
    )
    with begin() as session:
        source_id = a_dataset(session, 400, name="products")
        table_id = a_table(
            session, pl.concat([fresh, a_catalogue(400)[:4]]).with_columns(price=pl.lit(None, pl.Float64))
        )
    priced(table_id, specs.ConstantSpec(), sent, source_id)
    said = sentences(table_id)
    assert said[:2] == [
        "3 rows of 54 have a category that the rows learned from in products never had: Boats (3).",
        "1 row of 54 has a brand that the rows learned from in products never had: Novo (1).",
    ]
    assert said[2].startswith(
        "4 rows of 54 are copies or near-copies of rows of products with a known price (4 the same"
    )
    assert len(said) == 3  # no prices, so nothing to hold the promise against
    priced(table_id, specs.RidgeSpec(), sent, source_id)
    assert sentences(table_id) == said  # said once for both


def test_real_prices_are_held_against_what_the_source_promised(database: str, sent: list[int]) -> None:
    dearer = a_catalogue(400, seed=3).with_columns(
        price=pl.col("price") + 60,
        title=pl.format("{} in another shop {}", "title", pl.col("row") * 7919),
        description=pl.format("told anew {}", pl.col("row") * 104729),
    )
    with begin() as session:
        source_id, table_id = a_dataset(session, 400, name="products"), a_table(session, dearer)
    priced(table_id, specs.ConstantSpec(), sent, source_id)
    near, first = sentences(table_id)
    assert "the comparison with what was promised leaves them out" in near  # one that is alike by accident
    assert "Category median, job 1: mean error $6" in first
    assert "on 399 rows with a price" in first
    assert "on 40 validation rows of products: worse than promised by $47.20 ($4" in first
    actions.start(source_id, [specs.ConstantSpec()], Split.TEST)
    drain(sent)
    other = a_dataset_like(table_id)
    priced(other, specs.ConstantSpec(), sent, source_id)
    assert "on 40 test rows of products: worse than promised by $" in sentences(other)[-1]


def test_a_promise_that_is_not_broken_is_told_and_is_no_warning(database: str, sent: list[int]) -> None:
    alike = a_catalogue(400, seed=3).with_columns(
        title=pl.format("{} in another shop {}", "title", pl.col("row") * 7919),
        description=pl.format("told anew {}", pl.col("row") * 104729),
    )
    with begin() as session:
        source_id, table_id = a_dataset(session, 400, name="products"), a_table(session, alike)
    priced(table_id, specs.ConstantSpec(), sent, source_id)
    assert not [each for each in sentences(table_id) if "promised by" in each or "no difference" in each]
    with begin() as session:
        job_ids = [job.id for job in jobs.all(session, table_id, JobKind.PRICE)]
    (said,) = comparison.promises(job_ids)
    assert "no difference to what was promised can be told" in said or "better than promised by" in said


def a_dataset_like(table_id: int) -> int:
    with begin() as session:
        return a_table(session, datasets.items(session, table_id), name="again")


def test_members_answer_for_the_table_s_own_rows(database: str, sent: list[int], embedded: HashedWords) -> None:
    """Rows of the source that calibrate a member have the same numbers as rows of the table, and other prices."""
    ensemble = specs.parse({"technique": "ensemble", "members": MEMBERS, "weights": "equal"})
    with begin() as session:
        source_id = a_dataset(session, 400, name="products")
        table = a_catalogue(400, seed=8).with_columns(price=pl.lit(None, pl.Float64))
        table_id, again = (a_table(session, table) for _ in range(2))
    priced(source_id, ensemble, sent)
    fresh = priced(again, ensemble, sent, source_id)  # asks its members
    each = [priced(table_id, specs.parse(member), sent, source_id) for member in MEMBERS]
    stored = priced(table_id, ensemble, sent, source_id)  # takes what they have answered
    expected = (each[0]["price"] * each[1]["price"]).sqrt().to_list()
    assert stored["price"].to_list() == pytest.approx(expected)
    assert fresh["price"].to_list() == pytest.approx(expected)
    assert stored["usd"].sum() == 0


def test_a_joining_that_was_cancelled_says_so_and_is_made_anew(database: str, sent: list[int]) -> None:
    with begin() as session:
        parts = [a_dataset(session, 100, name="one"), a_dataset(session, 100, name="two")]
    joined = dataset_actions.join(parts)
    with begin() as session:
        (job,) = jobs.all(session, joined)
    job_actions.cancel(job.id)
    with begin() as session:
        assert "Joining these tables was cancelled" in str(datasets.get(session, joined).error)
    with pytest.raises(WrongState, match="joined from other tables"):
        dataset_actions.inspect_again(joined, {})
    again = dataset_actions.join(parts)
    assert again != joined
    drain(sent)
    with pytest.raises(UserError, match="holds the rows of one itself"):
        actions.start(parts[0], [specs.ConstantSpec()], source_id=again)
