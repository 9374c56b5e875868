"""What is left of a dataset that was deleted: of its texts nothing, in any table or file; the money that it cost."""

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from db import analytics, batches, completions, datasets, jobs, predictions
from db.completions import Answer, Claim
from db.engine import begin
from db.models import Base
from db.settings import settings
from db.types import DatasetState, JobState, Split
from tests.builders import a_dataset, a_job
from tests.worker.conftest import drain
from tests.worker.hashed import HashedWords
from tests.worker.llm.endpoint.calls import MILLIONTHS, hosted
from worker import specs
from worker.datasets import actions
from worker.knowledge import actions as knowledge_actions
from worker.knowledge import index
from worker.pricing import actions as pricing_actions

MARK = "zorblatt"
ASKED = [specs.parse({"technique": name, "model": "e:fast"}) for name in ("zero-shot", "rag")]
RIDGE = specs.parse({"technique": "ridge"})


def a_table(marked: bool = True, n: int = 120) -> bytes:
    """A CSV whose every text, a reject's too, holds the mark; always the same bytes."""
    word = MARK if marked else "plain"
    lines = [
        f"id-{i},The {word} lamp no {i} of {i * 7 % 13} watts,A {word} thing that is {i * i % 17} cm wide,"
        f"{word} {'AB'[i % 2]},{10 + i % 40}.50"
        for i in range(n)
    ]
    lines.append(f"id-{n},,a {word} without a title,{word},5")
    return "\n".join(["sku,title,description,category,price", *lines]).encode()


def loaded(sent: list[int], content: bytes) -> int:
    dataset_id = actions.upload("table.csv", io.BytesIO(content))
    drain(sent)
    with begin() as session:
        mapping = datasets.get(session, dataset_id).mapping
    actions.load(dataset_id, mapping)
    drain(sent)
    with begin() as session:
        assert datasets.get(session, dataset_id).state is DatasetState.READY
    return dataset_id


def priced(sent: list[int], dataset_id: int, wanted: Sequence[specs.BaseSpec], limit: int | None = None) -> list[int]:
    """Jobs that are done, each with its snapshot on disk."""
    job_ids = pricing_actions.start(dataset_id, wanted, Split.TEST, limit)
    drain(sent)
    for job_id in job_ids:
        with begin() as session:
            job = jobs.get(session, job_id)
            assert job.state is JobState.DONE, job.error
            analytics.snapshot(session, job_id, "1")
    return job_ids


def found_in_tables() -> list[str]:
    """table.column of everything in the database that holds the mark, whatever kind of column it is."""
    found = []
    with begin() as session:
        columns = session.execute(
            text(
                """SELECT table_name, column_name, data_type FROM information_schema.columns
                   JOIN information_schema.tables USING (table_schema, table_name)
                   WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"""
            )
        ).all()
        assert len(columns) > 100
        for table, column, kind in columns:
            value = f"convert_from({column}, 'LATIN1')" if kind == "bytea" else f'"{column}" ::text'
            if kind == "bytea":
                holds = f"position(:mark ::bytea IN {column}) > 0"
            else:
                holds = f"position(:mark IN lower({value})) > 0"
            if session.scalar(text(f'SELECT EXISTS (SELECT 1 FROM "{table}" WHERE {holds})'), {"mark": MARK}):
                found.append(f"{table}.{column}")
    return found


def found_in_files() -> list[str]:
    """Files of the data folder that hold the mark; those of the servers may keep what is deleted for a while."""
    return [
        str(path.relative_to(settings().home))
        for path in settings().home.rglob("*")
        if path.is_file() and path.relative_to(settings().home).parts[0] not in ("postgres", "valkey") and _holds(path)
    ]


def _holds(path: Path) -> bool:
    import polars as pl

    if path.suffix == ".parquet":
        return re.search(MARK, str(pl.read_parquet(path).to_dicts()), re.IGNORECASE) is not None
    return MARK.encode() in path.read_bytes().lower()


def spent() -> Decimal:
    with begin() as session:
        return Decimal(str(round(completions.totals(session)["usd"].sum(), 9)))


@pytest.fixture(autouse=True)
def embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "embedder", HashedWords)


@pytest.mark.stack
@pytest.mark.usefixtures("forked_couriers")
def test_nothing_of_a_deleted_dataset_is_left_but_what_it_cost(database: str, sent: list[int]) -> None:
    with hosted(prices=MILLIONTHS):
        dataset_id = loaded(sent, a_table())
        priced(sent, dataset_id, [*ASKED, RIDGE])
        changes = f"sku,title,price\nid-1,Another {MARK} lamp,12\n".encode()
        knowledge_actions.update(dataset_id, "changes.csv", io.BytesIO(changes))
        drain(sent)
        job_id = _a_job_of(dataset_id)
        for left in (settings().scratch_dir / f"job-{job_id}-killed", settings().training_dir / str(job_id)):
            left.mkdir(parents=True)
            (left / "train.txt").write_text(MARK)
        before = spent()
        assert {"items.title", "completions.request", "predictions.evidence"} <= set(found_in_tables())
        assert {path.split("/")[0] for path in found_in_files()} == {"files", "snapshots", "scratch", "training"}
        actions.delete_dataset(dataset_id)
    assert found_in_tables() == []
    assert found_in_files() == []
    assert before > 0
    assert spent() == before


def _a_job_of(dataset_id: int) -> int:
    with begin() as session:
        return jobs.all(session, dataset_id)[0].id


@pytest.mark.stack
@pytest.mark.usefixtures("forked_couriers")
def test_an_answer_that_another_datasets_job_uses_stays_until_that_one_goes_too(database: str, sent: list[int]) -> None:
    with hosted(prices=MILLIONTHS) as server:
        first, second = loaded(sent, a_table()), loaded(sent, a_table())
        priced(sent, first, ASKED[:1])
        once = len(server.requests)
        (job_id,) = priced(sent, second, ASKED[:1])
        assert len(server.requests) == once
        actions.delete_dataset(first)
        with begin() as session:
            assert len(predictions.of_job(session, job_id)) > 5
        priced(sent, second, ASKED[:1], limit=5)  # another job that asks the same
        assert len(server.requests) == once
        before = spent()
        actions.delete_dataset(second)
        assert found_in_tables() == []
        assert found_in_files() == []
        assert spent() == before
        priced(sent, loaded(sent, a_table()), ASKED[:1])
        assert len(server.requests) == 2 * once  # nobody knows the answers any more


@pytest.mark.stack
@pytest.mark.usefixtures("forked_couriers")
def test_what_another_datasets_knowledge_took_from_it_goes_too(database: str, sent: list[int]) -> None:
    before = set(found_in_files())  # of other tests
    with hosted(prices=MILLIONTHS):
        borrowed = a_table(marked=False).replace(b" cm wide", f" cm wide {MARK}".encode())  # near to what asks
        lender, borrower = loaded(sent, borrowed), loaded(sent, a_table(marked=False))
        knowledge_actions.add_reference(borrower, lender)
        drain(sent)
        (job_id,) = priced(sent, borrower, [specs.parse({"technique": "rag", "model": "e:fast", "k": 50})])
        with begin() as session:
            analytics.snapshot(session, job_id, "done")
        assert "predictions.evidence" in found_in_tables()
        actions.delete_dataset(lender)
        assert found_in_tables() == []
        assert set(found_in_files()) <= before
        with begin() as session:
            assert len(predictions.of_job(session, job_id)) > 1
            assert jobs.get(session, job_id).state is JobState.DONE


def test_an_answer_that_comes_after_its_dataset_was_deleted_leaves_only_its_price(database: str) -> None:
    def asking(key: str, batch: int | None = None) -> None:
        with begin() as session:
            claim = Claim(key, "e", "m", {"messages": [MARK]}, job_id, 1)
            assert completions.claim(session, [claim], "me", 60, batch) == {key}

    with begin() as session:
        dataset_id = a_dataset(session)
        job_id = a_job(session, dataset_id)
    asking("on its way")
    asking("in a batch", batch=1)
    actions.delete_dataset(dataset_id)
    assert found_in_tables() == []
    with begin() as session:
        assert completions.store(session, [Answer("on its way", {"text": MARK}, 7, usd=Decimal(2))]) == {"on its way"}
    assert found_in_tables() == []
    assert spent() == 2
    with begin() as session:
        again = Claim("in a batch", "e", "m", {}, None, None)
        assert completions.claim(session, [again], "you", 60) == {"in a batch"}  # nobody would bring its answer home


KEPT = {
    *("rates", "prompts", "endpoints", "workers", "completions", "adapters", "adapter_files", "adapter_changes"),
    *("pricers", "pricer_changes", "pricer_batches", "tokens", "endpoint_keys", "audit_log", "spendings"),
}
"""Tables whose rows outlive the dataset: of completions only what they cost, of adapters what was learned; what a
pricer rests on is not deleted, and of a file that it priced there stays how many rows it had; of people what they did
and what they spent in a month."""


def test_every_other_table_loses_its_rows_with_the_dataset() -> None:
    gone = {"datasets", "items"}  # items by a trigger (tests/db/test_items.py)
    while (
        more := {
            table.name
            for table in Base.metadata.tables.values()
            for key in table.foreign_keys
            if key.ondelete == "CASCADE" and key.column.table.name in gone
        }
        - gone
    ):
        gone |= more
    assert set(Base.metadata.tables) - gone == KEPT


def test_what_a_batch_that_is_out_may_cost_stays_and_its_calls_are_free(database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session)
        job_id = a_job(session, dataset_id)
        other = a_job(session, a_dataset(session))
        batch_id = batches.create(session, job_id=job_id, chunk_id=None, endpoint="e", model="m", token="t")
        batches.change(session, batch_id, remote_id="batch-1", state="in_progress")
        call = Claim("a", "e", "m", {"messages": [MARK]}, job_id, 0, Decimal("0.02"))
        completions.claim(session, [call], "a batch", batch_id=batch_id)
    actions.delete_dataset(dataset_id)
    assert found_in_tables() == []
    with begin() as session:
        assert completions.totals(session)["lost_usd"].sum() == 0.02
        assert completions.claim(session, [replace(call, job_id=other)], "somebody else") == {"a"}
