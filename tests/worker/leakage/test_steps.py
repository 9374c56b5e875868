"""A search for leaks on a real database: what it finds, what it keeps, and what it says without a knowledge base."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from sqlalchemy import text as sql

from db import adapters, datasets, jobs, predictions, results
from db.engine import begin
from db.errors import NotReady
from db.types import Adapter, AdapterState, JobState, Split
from tests.builders import a_dataset, a_job, some_predictions
from tests.worker.conftest import drain
from tests.worker.hashed import HashedWords
from worker import specs
from worker.evaluation.leakage import IN_PROMPT, NEAR, REWORDED, SAME, TOLD
from worker.knowledge import actions as knowledge_actions
from worker.knowledge import index as knowledge_index
from worker.leakage import actions
from worker.prompts import actions as prompts_actions


@pytest.fixture
def dataset_id(database, monkeypatch, sent) -> int:
    """300 items; test row 270 is a copy of train row 3, and row 271 tells its price."""
    monkeypatch.setattr(knowledge_index, "embedder", HashedWords)
    with begin() as session:
        made = a_dataset(session, 300)
        items = datasets.items(session, made)
        copy = {name: items[name][3].upper() for name in ("title", "description")}
        for name, text in copy.items():
            change(session, 270, name, text)
        change(session, 271, "description", f"Only ${items['price'][271]:.2f}")
    return made


def change(session, row, name, text):
    session.execute(sql(f"UPDATE items SET {name} = :text WHERE row = :row"), {"text": text, "row": row})


def searched(dataset_id, sent):
    job_id = actions.search(dataset_id)
    drain(sent)
    with begin() as session:
        job = jobs.get(session, job_id)
        assert job.state is JobState.DONE, job.error
        assert job.fixed_seconds > 0
    return job_id, actions.found(job_id)


def test_it_finds_the_copy_and_the_told_price_and_keeps_both_sides(dataset_id, sent):
    _, result = searched(dataset_id, sent)
    rows = {kind.kind: kind.rows for kind in result.kinds}
    assert rows[SAME] == (270,)
    assert rows[TOLD] == (271,)
    assert {270, 271} <= set(result.rows)
    pair = next(pair for pair in result.pairs if pair.kind == SAME)
    assert (pair.row, pair.known, pair.where) == (270, "id-3", "train")
    assert pair.title.lower() == pair.known_title.lower()
    assert (result.test_rows, result.known_items) == (30, 240)


def test_without_a_knowledge_base_it_says_that_nothing_was_compared_by_meaning(dataset_id, sent):
    _, result = searched(dataset_id, sent)
    assert "knowledge base" in result.not_compared
    assert next(kind for kind in result.kinds if kind.kind == REWORDED).compared == 0


def test_with_one_it_compares_by_meaning_and_says_what_it_would_find(dataset_id, sent):
    knowledge_actions.refresh(dataset_id)
    drain(sent)
    _, result = searched(dataset_id, sent)
    assert not result.not_compared
    kinds = {kind.kind: kind for kind in result.kinds}
    assert kinds[REWORDED].compared == 30
    assert kinds[REWORDED].planted == kinds[NEAR].planted == 200
    assert kinds[REWORDED].found is not None


@pytest.mark.slow
def test_a_file_in_the_knowledge_base_is_searched_too(dataset_id, sent):
    knowledge_actions.refresh(dataset_id)
    drain(sent)
    with begin() as session:
        item = datasets.items(session, dataset_id, Split.TEST).filter(pl.col("row") == 275).row(0, named=True)
    # A word more than the test row: the base refuses what is exactly its text.
    title, description = item["title"], item["description"]
    lines = f'id,title,description,price\nnew-1,{title} boxed,"{description}",12.5\n'
    knowledge_actions.update(dataset_id, "june.csv", io.BytesIO(lines.encode()))
    drain(sent)
    _, result = searched(dataset_id, sent)
    pair = next(pair for pair in result.pairs if pair.row == 275 and pair.known == "new-1")
    assert (pair.where, pair.known_price) == ("knowledge base", 12.5)


def test_every_error_is_measured_with_and_without_the_suspects(dataset_id, sent):
    job_id, _ = searched(dataset_id, sent)
    sent.clear()
    with begin() as session:
        priced = a_job(session, dataset_id, pieces=[range(270, 300)])
        predictions.add(session, priced, some_predictions(range(270, 300)))
    line = actions.figures([priced], [270, 271]).table.row(0, named=True)
    assert (line["n"], line["n_without"]) == (30, 28)
    assert line["mae"] != line["mae_without"]
    assert line["verdict"] == line["verdict_without"]
    with begin() as session:
        assert results.get(session, job_id)["pairs"]


def test_runs_that_differ_by_chance_only_are_one_line(dataset_id, sent):
    with begin() as session:
        priced = [
            a_job(session, dataset_id, pieces=[range(270, 300)], spec=specs.MultiShotSpec(seed=seed)) for seed in (0, 1)
        ]
        for job_id, price in zip(priced, (10.0, 30.0), strict=True):
            predictions.add(session, job_id, some_predictions(range(270, 300), price=price))
    once = [actions.figures([job_id], [270, 271]).table.row(0, named=True) for job_id in priced]
    (line,) = actions.figures(priced, [270, 271]).table.to_dicts()
    assert (line["job_id"], line["repeats"]) == (priced[0], 2)
    assert line["mae"] == pytest.approx(sum(each["mae"] for each in once) / 2)


def test_a_title_in_the_prompt_of_a_combinations_member_is_found(dataset_id, sent):
    with begin() as session:
        title = datasets.items(session, dataset_id, Split.TEST).filter(pl.col("row") == 280)["title"].item()
        prompt = prompts_actions.save("shop", "", f"{title} costs $12. What does {{{{ product }}}} cost? $")
        member = {"technique": "zero-shot", "prompt": prompt.ref}
        spec = specs.parse({"technique": "ensemble", "members": [{"technique": "ridge"}, member]})
        a_job(session, dataset_id, spec=spec)
    _, result = searched(dataset_id, sent)
    rows = {kind.kind: kind.rows for kind in result.kinds}
    assert rows[IN_PROMPT] == (280,)


def an_adapter(session, number, dataset_id):
    adapters.register(
        session,
        Adapter(
            id=str(number) * 64, task="things", dataset_id=dataset_id, dataset_name="the lamps of may", job_id=None,
            model="small", base="small", base_hash="f" * 64, form="tokens", spec={}, fingerprint="", train_rows=80,
            metrics={}, gate_report=None, usd=Decimal(0), seconds=1.0, state=AdapterState.CANDIDATE, size_bytes=0,
            created_at=datetime.now(UTC),
        ),
        {"adapter.safetensors": str(number).encode()},
    )  # fmt: skip
    return str(number) * 64


def test_what_an_adapter_learned_from_another_dataset_is_searched_too(dataset_id, sent):
    """Test row 280 stands, boxed, in the train rows of a table that only an adapter has seen; so do all train rows."""
    with begin() as session:
        other = a_dataset(session, 300, name="may")
        kept = {name: datasets.items(session, dataset_id)[name][280] for name in ("title", "description")}
        where = f"WHERE dataset_id = {other} AND row = 5"
        session.execute(sql(f"UPDATE items SET title = :title || ' boxed', description = :description {where}"), kept)
        plain = specs.FinetunedSpec(adapter=an_adapter(session, 1, other))
        a_job(session, dataset_id, spec=specs.EnsembleSpec(members=(specs.RidgeSpec(), plain)))
        a_job(session, dataset_id, spec=specs.FinetunedSpec(adapter=an_adapter(session, 2, None)))
        an_adapter(session, 3, other)  # nothing was priced with it
    _, result = searched(dataset_id, sent)
    pair = next(pair for pair in result.pairs if pair.row == 280)
    assert (pair.kind, pair.known, pair.where) == (
        NEAR, f"dataset:{other}:row:5", "train rows of may, by an adapter",
    )  # fmt: skip
    assert pair.known_price is not None
    assert result.known_items == 241, "a row that both tables have is known once"
    learned, gone = sorted(result.notes)
    assert learned.startswith(
        "240 train rows of may, which the adapter 11111111 learned from, were searched by their words"
    )
    assert gone.startswith("The adapter 22222222 learned from the lamps of may, which was deleted")
    near = next(kind for kind in result.kinds if kind.kind == NEAR)
    assert near.by_accident is not None
    assert near.by_accident < 5


def test_two_searches_at_once_are_one_and_nothing_to_leak_is_said(dataset_id, sent):
    assert actions.search(dataset_id) == actions.search(dataset_id)
    with begin() as session:
        empty = a_dataset(session, 0, unpriced=5, name="empty")
    with pytest.raises(NotReady, match="nothing can leak"):
        actions.search(empty)
