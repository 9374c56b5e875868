"""A knowledge base holds what it should, embeds only what changed, and never gives back what was removed."""

import io

import polars as pl
import pytest

from db import datasets, job_progress, jobs, results
from db.engine import begin
from db.errors import NotReady
from db.knowledge import bases
from db.types import DatasetState, JobState, SearchLimits, Split
from tests.builders import a_catalogue, a_dataset
from tests.worker.conftest import drain
from tests.worker.hashed import HashedWords
from worker.knowledge import actions
from worker.knowledge import index as knowledge_index
from worker.progress import Silent


@pytest.fixture
def embedder(monkeypatch) -> HashedWords:
    made = HashedWords()
    monkeypatch.setattr(knowledge_index, "embedder", lambda: made)
    return made


def done(sent: list[int], job_id: int) -> dict:
    """Run the job to its end; its result."""
    drain(sent)
    with begin() as session:
        job = jobs.get(session, job_id)
        assert job.state is JobState.DONE, job.error
        return results.get(session, job_id)


def things(n: int = 100, **options) -> int:
    with begin() as session:
        return a_dataset(session, n, **options)


def csv(text: str) -> io.BytesIO:
    return io.BytesIO(text.encode())


def upload(sent, dataset_id, text, **options) -> dict:
    return done(sent, actions.update(dataset_id, "changes.csv", csv(text), **options))


def asked(text: str, row: int = -1, category: str = "") -> pl.DataFrame:
    return pl.DataFrame(
        {"row": [row], "title": [text], "description": [""], "category": [category], "brand": [""], "price": [None]},
        schema_overrides={"price": pl.Float64},
    )


def keys(found: pl.DataFrame) -> list[str]:
    return found["neighbour"].to_list()


@pytest.mark.slow
def test_updating_100_of_10000_items_embeds_exactly_100_and_the_next_search_finds_them(database, sent, embedder):
    dataset_id = things(12_500)
    assert done(sent, actions.refresh(dataset_id))["to_embed"] == 10_000
    assert len(embedder.embedded) == 10_000
    embedder.embedded.clear()
    lines = "".join(f"id-{row},Zebrafish aquarium with coral reef and glass lid {row}\n" for row in range(100, 200))
    outcome = upload(sent, dataset_id, f"id,title\n{lines}")
    assert (outcome["updated"], outcome["added"], outcome["refused"]) == (100, 0, {})
    assert len(embedder.embedded) == 100
    found = knowledge_index.PgIndex(dataset_id).nearest(
        asked("Zebrafish aquarium with coral reef and glass lid 150"), 100
    )
    assert set(keys(found)) == {f"id-{row}" for row in range(100, 200)}
    assert keys(found)[0] == "id-150"


def test_an_item_removed_while_a_job_embeds_it_is_not_brought_back(database, sent, embedder, monkeypatch):
    dataset_id = things(100)
    index = knowledge_index.PgIndex(dataset_id)
    embed = embedder.embed

    def removing(texts, progress):
        if len(texts) > 1:
            actions.remove(dataset_id, ["id-3"])
            monkeypatch.setattr(embedder, "embed", embed)
        return embed(texts, progress)

    monkeypatch.setattr(embedder, "embed", removing)
    done(sent, actions.refresh(dataset_id))
    with begin() as session:
        wanted = datasets.items(session, dataset_id).filter(pl.col("row") == 3)
    twin = wanted.with_columns(row=pl.lit(-1, pl.Int64))
    assert "id-3" not in keys(index.nearest(twin, 80))
    done(sent, actions.refresh(dataset_id))
    index.build(wanted, Silent())
    assert "id-3" not in keys(index.nearest(twin, 80))
    assert len(index.nearest(twin, 200)) == 79


def test_a_removed_item_comes_back_when_a_file_adds_it(database, sent, embedder):
    dataset_id = things(100)
    done(sent, actions.refresh(dataset_id))
    assert actions.remove(dataset_id, ["id-3", "nobody"]) == 1
    assert upload(sent, dataset_id, "id,title,price\nid-3,Lamp again,7\n")["added"] == 1
    found = knowledge_index.PgIndex(dataset_id).nearest(asked("Lamp again"), 1)
    assert found.select("neighbour", "price").row(0) == ("id-3", 7.0)


def test_a_change_of_price_alone_embeds_nothing_and_counts_at_once(database, sent, embedder):
    dataset_id = things(100)
    done(sent, actions.refresh(dataset_id))
    embedder.embedded.clear()
    outcome = upload(sent, dataset_id, "id,new price\nid-1,$999.50\nid-2,\n")
    assert (outcome["updated"], outcome["unchanged"], outcome["to_embed"]) == (1, 1, 0)
    assert embedder.embedded == []
    with begin() as session:
        item = datasets.items(session, dataset_id).filter(pl.col("row") == 1).with_columns(row=pl.lit(-1, pl.Int64))
        lag = bases.freshness(session, bases.of(session, dataset_id).id)
    assert knowledge_index.PgIndex(dataset_id).nearest(item, 1)["price"][0] == 999.50
    assert lag.worst_lag_seconds < 60


def test_the_same_file_twice_changes_nothing_the_second_time(database, sent, embedder):
    dataset_id = things(100)
    text = "id,title,price,date\nid-1,Blue lamp,10,2024-03-01\nnew-1,Red chair,20,2024-03-02\n"
    first = upload(sent, dataset_id, text)
    assert (first["added"], first["updated"], first["from_train"]) == (1, 1, 80)
    second = upload(sent, dataset_id, text)
    assert (second["added"], second["updated"], second["unchanged"], second["to_embed"]) == (0, 0, 2, 0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("id-95,Something else,10", "the id is that of a test or validation row"),
        ("id-95,,12", "the id is that of a test or validation row"),
        ("id-85,Something else,10", "the id is that of a test or validation row"),
        ("new,{test},10", "the text is that of a test or validation row"),
        ("new,Something,", "it has no price"),
        ("new,,10", "it is new and has no title"),
        (",Something,10", "it has no id"),
        ("new,Something,free", "can't"),
    ],
)
def test_what_may_not_enter_is_refused_with_its_reason(database, sent, embedder, line, reason):
    dataset_id = things(100)
    with begin() as session:
        title = datasets.items(session, dataset_id, Split.TEST)["title"][0]
    outcome = upload(sent, dataset_id, "id,title,price\n" + line.replace("{test}", f'" {title.upper()}!"') + "\n")
    assert outcome["added"] == outcome["updated"] == 0
    [(told, number)] = outcome["refused"].items()
    assert number == 1
    assert reason in told or (reason == "can't" and told)


def test_of_an_id_that_stands_twice_in_a_file_the_last_line_counts(database, sent, embedder):
    dataset_id = things(100)
    outcome = upload(sent, dataset_id, "id,price\nid-1,10\nid-1,20\n")
    assert outcome["refused"] == {"the id stands again further down": 1}
    assert outcome["updated"] == 1
    with begin() as session:
        item = datasets.items(session, dataset_id).filter(pl.col("row") == 1).with_columns(row=pl.lit(-1, pl.Int64))
    assert knowledge_index.PgIndex(dataset_id).nearest(item, 1)["price"][0] == 20


def test_a_column_of_marks_or_a_whole_file_removes(database, sent, embedder):
    dataset_id = things(100)
    outcome = upload(sent, dataset_id, "id,price,delete\nid-1,10,yes\nid-2,11,\nnobody,,x\n")
    assert (outcome["removed"], outcome["updated"]) == (1, 1)
    assert outcome["refused"] == {"there is no item with this id to remove": 1}
    outcome = upload(sent, dataset_id, "sku\nid-2\nid-3\n", removes=True)
    assert outcome["removed"] == 2
    found = keys(knowledge_index.PgIndex(dataset_id).nearest(asked("Lamp"), 100))
    assert len(found) == 77
    assert not {"id-1", "id-2", "id-3"} & set(found)


def test_test_and_validation_rows_never_enter(database, sent, embedder):
    dataset_id = things(100, unpriced=10)
    done(sent, actions.refresh(dataset_id))
    assert set(keys(knowledge_index.PgIndex(dataset_id).nearest(asked("Lamp"), 200))) == {
        f"id-{row}" for row in range(80)
    }


def test_a_reference_dataset_adds_its_priced_items_but_none_that_matches_the_test_side(database, sent, embedder):
    dataset_id = things(100)
    with begin() as session:
        other = datasets.create(session, name="other", sha256="1" * 64, file_name="other.csv")
        own = datasets.items(session, dataset_id)
        frame = pl.concat(
            [
                a_catalogue(30, seed=9).with_columns(title=pl.format("Reference {}", "title")),
                own.filter(pl.col("row").is_in([90, 91, 5])),
            ]
        )
        n = len(frame)
        datasets.add_items(
            session,
            other,
            frame.with_columns(
                row=pl.int_range(n),
                line=pl.int_range(2, n + 2),
                external_id=pl.when(pl.int_range(n) == 0)
                .then(pl.lit("id-99"))
                .otherwise(pl.format("r{}", pl.int_range(n))),
                split=pl.Series([str(Split.TEST)] * 15 + [str(Split.TRAIN)] * (n - 15)),
                group_id=pl.int_range(n),
            ),
        )
        datasets.change(session, other, state=DatasetState.READY, splits={"train": n - 15, "test": 15})
    outcome = done(sent, actions.add_reference(dataset_id, other))
    assert outcome["added"] == 30
    assert sum(outcome["refused"].values()) == 3
    found = keys(knowledge_index.PgIndex(dataset_id).nearest(asked("Reference Lamp model"), 200))
    assert f"{other}:r14" in found
    assert f"{other}:id-99" not in found
    again = done(sent, actions.add_reference(dataset_id, other))
    assert (again["added"], again["updated"], again["to_embed"]) == (0, 0, 0)


def test_an_item_never_gets_itself_back(database, sent, embedder):
    dataset_id = things(100, unpriced=5)
    upload(sent, dataset_id, "id,title,price\nid-102,What 102 costs,10\n")
    index = knowledge_index.PgIndex(dataset_id)
    with begin() as session:
        items = datasets.items(session, dataset_id)
    for row in (7, 102):
        found = index.nearest(items.filter(pl.col("row") == row), 200)
        assert f"id-{row}" not in keys(found)
        assert len(found) == 80


def test_filters_by_category_similarity_and_age(database, sent, embedder):
    dataset_id = things(100)
    lines = "".join(f"id-{row},2020-01-01\n" for row in range(40))
    upload(sent, dataset_id, f"id,date\n{lines}")
    index = knowledge_index.PgIndex(dataset_id)
    with begin() as session:
        test = datasets.items(session, dataset_id, Split.TEST)
    same = index.nearest(test, 50, SearchLimits(same_category=True)).join(test.select("row", own="category"), on="row")
    assert (same["category"] == same["own"]).all()
    assert same["row"].unique().sort().to_list() == test["row"].to_list()
    alike = index.nearest(test, 50, SearchLimits(min_similarity=0.5))["similarity"]
    assert alike.min() >= 0.5
    recent = index.nearest(test, 100, SearchLimits(newer_than_days=30))
    assert set(keys(recent)) == {f"id-{row}" for row in range(40, 80)}
    assert recent["age_days"].max() < 1
    assert index.nearest(test, 100)["age_days"].max() > 2000


def test_rows_come_in_the_order_asked_and_best_first(database, sent, embedder):
    dataset_id = things(100)
    done(sent, actions.refresh(dataset_id))
    with begin() as session:
        test = datasets.items(session, dataset_id, Split.TEST).sort("row", descending=True)
    found = knowledge_index.PgIndex(dataset_id).nearest(test, 3)
    assert found["row"].unique(maintain_order=True).to_list() == test["row"].to_list()
    assert found.group_by("row").agg(pl.col("similarity").is_sorted(descending=True))["similarity"].all()


def test_another_embedding_model_makes_every_vector_stale(database, sent, embedder):
    dataset_id = things(50)
    done(sent, actions.refresh(dataset_id))
    embedder.signature, embedder.dims = "another", 32
    with pytest.raises(NotReady, match="no knowledge base of the embedding model in use"):
        knowledge_index.PgIndex(dataset_id).nearest(asked("Lamp"), 3)
    assert done(sent, actions.refresh(dataset_id))["to_embed"] == 40
    assert len(knowledge_index.PgIndex(dataset_id).nearest(asked("Lamp"), 3)) == 3


def test_items_without_an_id_of_their_own_are_named_by_their_row(database, sent, embedder):
    with begin() as session:
        dataset_id = a_dataset(session, 100)
        session.connection().exec_driver_sql(
            "UPDATE items SET external_id = CASE WHEN row < 5 THEN '' WHEN row < 8 THEN 'twice' "
            "WHEN row = 8 THEN 'row:1' ELSE external_id END"
        )
    assert done(sent, actions.refresh(dataset_id))["to_embed"] == 80
    found = keys(knowledge_index.PgIndex(dataset_id).nearest(asked("Lamp"), 100))
    assert {f"row:{row}" for row in range(9)} | {"id-9"} <= set(found)
    assert len(set(found)) == 80


@pytest.mark.slow
def test_a_job_says_what_it_took_and_how_far_it_is(database, sent, embedder):
    dataset_id = things(3_000)
    job_id = actions.refresh(dataset_id)
    assert actions.refresh(dataset_id) == job_id
    done(sent, job_id)
    with begin() as session:
        job = jobs.get(session, job_id)
        [progress] = job_progress.of(session, [job_id])
        base = bases.of(session, dataset_id)
        fresh = bases.freshness(session, base.id)
        assert bases.coverage(session, base) == (2_400, 2_400)
        assert bases.size_bytes(session, base.id) > 2_400 * 128
    assert (progress.items_done, progress.items_total, progress.chunks_total) == (2_400, 2_400, 3)
    assert job.fixed_seconds > 0
    assert job.fixed_usd > 0
    assert base.refreshed_at is not None
    assert (fresh.items, fresh.searchable, fresh.stale_share) == (2_400, 2_400, 0.0)
    assert fresh.lag_seconds >= 0
    assert actions.estimate(dataset_id).items == 0
    assert actions.refresh(dataset_id) != job_id


def test_a_job_that_fails_leaves_its_dataset_alone(database, sent, embedder, monkeypatch):
    dataset_id = things(50)
    job_id = actions.update(dataset_id, "changes.csv", csv("colour,size\nred,2\n"))
    drain(sent)
    with begin() as session:
        job = jobs.get(session, job_id)
        assert job.state is JobState.FAILED
        assert "no column with the items' ids" in job.error
        assert datasets.get(session, dataset_id).state is DatasetState.READY


def test_a_base_is_refreshed_on_its_schedule_and_never_twice_at_once(database, sent, embedder):
    dataset_id = things(50)
    with pytest.raises(NotReady, match="no knowledge base yet"):
        actions.schedule(dataset_id, 3600)
    done(sent, actions.refresh(dataset_id))
    assert actions.refresh_due() == []
    actions.schedule(dataset_id, 3600)
    assert actions.refresh_due() == []
    with begin() as session:
        session.connection().exec_driver_sql("UPDATE jobs SET created_at = now() - interval '2 hours'")
    [job_id] = actions.refresh_due()
    with begin() as session:
        session.connection().exec_driver_sql("UPDATE jobs SET created_at = now() - interval '2 hours'")
    assert actions.refresh_due() == []
    done(sent, job_id)
    [next_id] = actions.refresh_due()
    done(sent, next_id)
    with begin() as session:  # the one before found nothing to do, so it is not kept
        assert [job.id for job in jobs.all(session, dataset_id)] == [next_id, job_id - 1]
    actions.schedule(dataset_id, None)
    assert actions.refresh_due() == []


def test_an_item_that_asks_apart_gets_none_of_its_near_duplicates_and_all_others(database, sent, embedder):
    dataset_id = things(100)
    with begin() as session:
        session.connection().exec_driver_sql("UPDATE items SET group_id = 3 WHERE row IN (3, 4, 50, 95)")
        items = datasets.items(session, dataset_id).filter(pl.col("row").is_in([3, 6, 95]))
    upload(sent, dataset_id, "id,title,price\nfrom-elsewhere,Lamp,7\n")  # known, but no row of the dataset
    index = knowledge_index.PgIndex(dataset_id)
    usual, apart = (index.nearest(items, 200, SearchLimits(apart=apart)) for apart in (False, True))
    left_out = usual.join(apart, on=["row", "neighbour"], how="anti")
    assert set(left_out.select("row", "neighbour").rows()) == {
        *((3, f"id-{row}") for row in (4, 50)),
        *((95, f"id-{row}") for row in (3, 4, 50)),
    }
    assert apart.join(usual, on=["row", "neighbour"], how="anti").is_empty()


def test_a_search_is_answered_by_a_worker(database, sent, embedder):
    dataset_id = things(100)
    done(sent, actions.refresh(dataset_id))
    found = done(sent, actions.search(dataset_id, "Chair size 4", 3, category="Chairs"))["found"]
    assert len(found) == 3
    assert {entry["category"] for entry in found} == {"Chairs"}
    assert set(found[0]) == {
        "row", "neighbour", "similarity", "price", "title", "description", "category", "brand", "age_days",
    }  # fmt: skip


def test_price_statistics_of_a_category(database, sent, embedder):
    dataset_id = things(100)
    done(sent, actions.refresh(dataset_id))
    with begin() as session:
        prices = datasets.items(session, dataset_id, Split.TRAIN).filter(pl.col("category") == "Lamps")["price"]
    index = knowledge_index.PgIndex(dataset_id)
    stats = index.price_stats("Lamps")
    assert stats.count == len(prices)
    assert stats.median == pytest.approx(prices.median())
    assert stats.p25 == pytest.approx(prices.quantile(0.25, "linear"))
    assert index.price_stats(" lamps ") == stats
    assert index.price_stats("Nothing of the kind").count == 0


@pytest.mark.model
def test_the_real_model_finds_by_meaning(database, sent):
    dataset_id = things(10)
    text = "id,title,price\na,Cordless screwdriver with two batteries,60\nb,Silk evening dress,120\nc,Garden hose,25\n"
    outcome = upload(sent, dataset_id, text)
    assert outcome["added"] == 3
    assert outcome["to_embed"] == 11
    found = knowledge_index.PgIndex(dataset_id).nearest(asked("electric power drill"), 1)
    assert keys(found) == ["a"]
