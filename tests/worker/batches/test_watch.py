"""A watched folder: what is taken, what is written, what goes aside, and what a kill at any point leaves."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from db import jobs, pricer_batches
from db.engine import begin
from db.errors import NotFound, UserError
from db.types import BatchState, JobKind, Pricer, PricerState
from tests.worker.batches.conftest import Watched
from tests.worker.conftest import drain
from worker.batches import figures, folder, stages
from worker.batches.watch import Watch
from worker.datasets import actions as dataset_actions
from worker.pricers import actions as pricers
from worker.pricing.priced_file import actions as priced_file


def batches() -> list:
    with begin() as session:
        return pricer_batches.all(session)


def pricing_jobs() -> int:
    with begin() as session:
        return len([job for job in jobs.all(session, kind=JobKind.PRICE) if job.source_id is not None])


def test_a_new_file_is_written_with_prices_and_told(watched: Watched) -> None:
    content = watched.put("may.csv")
    watched.run()
    (batch,) = batches()
    assert (batch.state, batch.rows, batch.rejects, batch.flagged) == (BatchState.PRICED, 6, 0, 0)
    assert batch.usd is not None
    assert batch.finished_at is not None
    lines = (watched.out / "may-priced.csv").read_text().splitlines()
    assert [line.rsplit(",", 5)[0] for line in lines] == content.decode().splitlines()
    assert batch.target == str(watched.out / "may-priced.csv")
    assert (watched.inbox / "may.csv").read_bytes() == content
    assert watched.told[0] == f"may.csv is taken as batch {batch.id}."
    assert watched.told[1].startswith("may.csv is priced: 6 rows, for ")


def test_the_same_content_is_priced_once_whatever_it_is_called(watched: Watched) -> None:
    watched.put("may.csv")
    watch = watched.watch()
    watched.run(watch)
    watched.put("may (copy).csv")
    watched.run(watch)
    watched.run(watch)
    said = [sentence for sentence in watched.told if "copy" in sentence]
    assert said == ["may (copy).csv holds the same as may.csv, which was taken already (batch 1); it is left alone."]
    watched.run()  # another process
    assert (len(batches()), pricing_jobs(), watched.names) == (1, 1, ["may-priced.csv"])


@pytest.mark.slow
def test_next_month_the_same_name_is_another_file_and_takes_nothing_away(watched: Watched) -> None:
    watched.put("shop.csv", seed=1)
    watched.run()
    before = (watched.out / "shop-priced.csv").read_bytes()
    watched.put("shop.csv", seed=2)
    watched.run()
    assert watched.names == ["2-shop-priced.csv", "shop-priced.csv"]
    assert (watched.out / "shop-priced.csv").read_bytes() == before


def test_a_file_that_arrives_is_left_alone_until_it_lies_still(
    watched: Watched, still: Callable[[float], None]
) -> None:
    still(3600)
    watched.put("slow.csv")
    watch = watched.watch()
    with watch.alone():
        assert [watch.turn() for _ in range(3)] == [True, True, True]
    assert batches() == []


@pytest.mark.parametrize("name", [".hidden.csv", "~$book.xlsx", "a.csv.part", "b.tmp", "Thumbs.db", "x.csv.why.txt"])
def test_temporary_and_hidden_names_are_nobodys_files(watched: Watched, name: str) -> None:
    watched.put(name)
    (watched.inbox / "folder.csv").mkdir()
    watched.run()
    assert (batches(), watched.told) == ([], [])


BAD = {
    "binary.csv": (b"\x00\x01\xff\xfe\x02", "This is not text"),
    "empty.csv": (b"", "empty"),
    "header.csv": (b"title,price\n", "has no rows of data"),
    "other.csv": (b"sku,net\nA-1,3\nA-2,4\n", "It can't be told which column holds the title"),
    "sign.csv": (
        b"title,description,category,brand,price\nLamp,d,c,b,1.234\nChair,d,c,b,5.678\n",
        "Say which sign is the decimal sign of 'price'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_goes_aside_as_it_came_with_one_sentence(watched: Watched, name: str) -> None:
    content, sentence = BAD[name]
    (watched.inbox / name).write_bytes(content)
    watched.run()
    (batch,) = batches()
    assert batch.state is BatchState.ASIDE
    assert sentence in (batch.error or "")
    assert not (watched.inbox / name).exists()
    assert (watched.out / "aside" / name).read_bytes() == content
    assert (watched.out / "aside" / f"{name}.why.txt").read_text() == f"{batch.error}\n"
    assert batch.dataset_id is None  # nothing of it is left among the tables
    assert watched.told[-1] == f"{name} lies aside ({watched.out / 'aside' / name}): {batch.error}"
    assert watched.names == []


def test_moved_back_it_is_tried_again_copied_back_it_is_told(watched: Watched) -> None:
    name = "other.csv"
    aside = watched.out / "aside" / name
    (watched.inbox / name).write_bytes(BAD[name][0])
    watch = watched.watch()
    watched.run(watch)
    (watched.inbox / name).write_bytes(aside.read_bytes())
    watched.run(watch)
    assert "move it from there into the folder instead of copying" in watched.told[-1]
    (watched.inbox / name).unlink()
    watched.run(watch)
    aside.rename(watched.inbox / name)
    watched.told.clear()
    watched.run(watch)
    assert watched.told[0] == f"{name} is taken as batch 1."
    assert aside.exists()
    assert len(batches()) == 1


def test_columns_are_found_by_the_names_of_the_source_in_any_order(watched: Watched) -> None:
    (watched.inbox / "a.csv").write_text("BRAND;Category;Description;Title\nAcme;Lamps;A lamp;Lamp model 3 size 4\n")
    watched.run()
    (batch,) = batches()
    assert (batch.state, batch.rows, batch.error) == (BatchState.PRICED, 1, None)


class Killed(BaseException):
    """The process ends here."""


POINTS = (
    (dataset_actions, "store"),
    (stages, "_looked_at"),
    (dataset_actions, "load"),
    (stages, "_target"),
    (pricers, "start"),
    (priced_file, "write"),
    (folder, "publish"),
    (figures, "of_job"),
    (pricer_batches, "finish"),
    (folder, "put_aside"),
    (dataset_actions, "delete_dataset"),
)


@pytest.mark.slow
@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("place", "name"), POINTS, ids=[name for _, name in POINTS])
def test_killed_anywhere_it_goes_on_and_does_nothing_twice(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, place: object, name: str, is_before: bool
) -> None:
    content = watched.put("good.csv")
    (watched.inbox / "bad.csv").write_bytes(BAD["other.csv"][0])
    real, calls = getattr(place, name), itertools.count()

    def deadly(*args: object, **options: object) -> object:
        if next(calls):
            return real(*args, **options)
        if not is_before:
            real(*args, **options)
        raise Killed

    monkeypatch.setattr(place, name, deadly)
    with pytest.raises(Killed):
        watched.run()
    watched.run()
    watched.run()
    assert {batch.file_name: batch.state for batch in batches()} == {
        "good.csv": BatchState.PRICED,
        "bad.csv": BatchState.ASIDE,
    }
    assert pricing_jobs() == 1
    assert watched.names == ["good-priced.csv"]
    assert (watched.inbox / "good.csv").read_bytes() == content
    assert [path.name for path in watched.inbox.iterdir()] == ["good.csv"]
    assert (watched.out / "aside" / "bad.csv").read_bytes() == BAD["other.csv"][0]


@pytest.mark.slow
def test_a_version_that_comes_into_use_meanwhile_prices_the_next_file_only(
    watched: Watched, pricer: Pricer, sent: list[int]
) -> None:
    watched.put("one.csv", seed=1)
    watch = watched.watch()
    with watch.alone():
        while not any(batch.pricer_id for batch in batches()):
            watch.turn()
            drain(sent)
    second = pricers.make("monthly", "Ann", job_id=pricer.job_id)
    if second.state is not PricerState.IN_USE:
        pricers.use(second.id, "Ann", "newer")
    watched.put("two.csv", seed=2)
    watched.run()
    assert {batch.file_name: batch.pricer_id for batch in batches()} == {"one.csv": pricer.id, "two.csv": second.id}


def test_without_a_version_in_use_files_wait(watched: Watched, pricer: Pricer) -> None:
    watch = watched.watch()
    pricers.retire(pricer.id, "Ann", "worse")
    watched.put("may.csv")
    with pytest.raises(AssertionError, match="does not come to an end"):
        watched.run(watch)
    waits = [sentence for sentence in watched.told if "No version of pricer monthly is in use" in sentence]
    assert len(waits) == 1
    assert batches()[0].state is BatchState.WAITING
    pricers.use(pricer.id, "Ann", "again")
    watched.run(watch)
    assert watched.names == ["may-priced.csv"]


def test_a_folder_is_watched_by_one_at_a_time_and_not_where_it_writes(watched: Watched, tmp_path: Path) -> None:
    with watched.watch().alone(), pytest.raises(UserError, match="is watched for monthly already"):
        watched.run()
    for inbox, out, name, sentence in (
        (watched.inbox, watched.inbox, "monthly", "another folder"),
        (tmp_path / "no", watched.out, "monthly", "There is no folder"),
        (watched.inbox, watched.out, "yearly", "There is no pricer yearly"),
    ):
        with pytest.raises((UserError, NotFound), match=sentence):
            Watch(name, inbox, out, lambda *_: None).check()


def test_what_was_written_into_a_bad_file_meanwhile_is_not_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b"new")
    kept = tmp_path / "kept"
    kept.write_bytes(b"old")
    old = folder.hash_of(kept)
    lies = folder.put_aside(None, kept, "in.csv", old, "No.", tmp_path, 1)
    folder.put_aside(path, kept, "in.csv", old, "No.", tmp_path, 1)
    assert (path.read_bytes(), lies.read_bytes()) == (b"new", b"old")


def test_bad_files_of_one_name_lie_side_by_side(tmp_path: Path) -> None:
    for number, content in enumerate((b"first", b"second"), start=1):
        path = tmp_path / "shop.csv"
        path.write_bytes(content)
        folder.put_aside(path, None, "shop.csv", folder.hash_of(path), "No.", tmp_path, number)
    assert {path.name: path.read_bytes() for path in (tmp_path / "aside").glob("*.csv")} == {
        "shop.csv": b"first",
        "2-shop.csv": b"second",
    }


def test_a_name_that_is_no_text_or_too_long_for_an_ending_goes_aside(watched: Watched) -> None:
    names = [b"caf\xe9.csv", b"x" * 250 + b".csv"]
    for number, name in enumerate(names):
        (watched.inbox / os.fsdecode(name)).write_bytes(b"\x00\x01 %d" % number)
    watched.run()
    assert {batch.state for batch in batches()} == {BatchState.ASIDE}
    assert len(list((watched.out / "aside").glob("*.why.txt"))) == 2
    assert list(watched.inbox.iterdir()) == []


def test_a_file_that_may_not_be_read_is_told_once_and_taken_when_it_can_be(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.put("secret.csv")
    watch = watched.watch()
    with monkeypatch.context() as patch:

        def refuse(path: Path) -> str:
            raise PermissionError(13, "Permission denied", str(path))

        patch.setattr(folder, "hash_of", refuse)
        watched.run(watch)
        watched.run(watch)
    assert watched.told == ["secret.csv can't be read (Permission denied); it is left alone until it can."]
    watched.run(watch)
    assert watched.names == ["secret-priced.csv"]
