"""The corpus of broken files through the real upload: every line ends up stored or rejected, with the right values."""

import io

import pytest
from sqlalchemy import text

from db import datasets, jobs
from db.engine import begin
from db.errors import MappingError, OpenQuestion, WrongState
from db.settings import settings
from db.types import DatasetState, JobKind, JobState
from tests.worker.conftest import drain
from tests.worker.ingest.corpus import CASES, Case
from worker import running, steps
from worker.datasets import actions as dataset_actions
from worker.datasets.answers import Answers
from worker.ingest.types import FIELDS
from worker.jobs import actions


def upload(name: str, data: bytes, sent: list[int]) -> int:
    dataset_id = dataset_actions.upload(name, io.BytesIO(data))
    drain(sent)
    return dataset_id


def the(dataset_id: int):
    with begin() as session:
        return datasets.get(session, dataset_id)


def leftovers() -> dict[str, int]:
    with begin() as session:
        return {name: session.scalar(text(f"SELECT count(*) FROM {name}")) for name in ("items", "rejects")}


def check_stored(case: Case, dataset_id: int) -> None:
    dataset = the(dataset_id)
    with begin() as session:
        items = datasets.items(session, dataset_id, details=True)
        rejects = datasets.rejected_lines(session, dataset_id)
        runs = datasets.rejects(session, dataset_id)
    assert items.select("external_id", "title", "price").rows() == case.items, case.name
    assert rejects["line"].to_list() == sorted(case.rejects), case.name
    assert dataset.rows_in == dataset.items + dataset.rejects == len(items) + len(rejects), case.name
    assert runs["count"].sum() == len(rejects) == sum(dataset.profile["reasons"].values()), case.name
    assert sum(dataset.splits.values()) == dataset.items, case.name
    assert (settings().files_dir / dataset.file_sha256).read_bytes() == case.data, case.name


@pytest.mark.slow
def test_every_file_of_the_corpus_is_stored_or_refused_as_a_whole(database, sent):
    """One test for all of them: a database per file would take longer than the files do."""
    for case in CASES:
        before = leftovers()
        dataset_id = upload(case.file_name, case.data, sent)
        if case.error:
            dataset = the(dataset_id)
            assert dataset.state is DatasetState.FAILED, case.name
            assert case.error in dataset.error, case.name
            assert leftovers() == before, case.name
            continue
        mapping = the(dataset_id).mapping | case.mapping
        if case.wide or case.decimal:
            with pytest.raises(MappingError, match="--accept-wide-rows" if case.wide else "--decimal"):
                dataset_actions.load(dataset_id, mapping)
        if case.unsure and not case.wide and not case.decimal:
            with pytest.raises(OpenQuestion, match=r"not sure .* --map "):
                dataset_actions.load(dataset_id, the(dataset_id).mapping)
        dataset_actions.load(
            dataset_id, mapping, said=Answers(case.decimal, case.wide, lower_ends=case.lower_ends, columns=FIELDS)
        )
        drain(sent)
        if case.stops:
            assert case.stops in the(dataset_id).error, case.name
            assert the(dataset_id).state is DatasetState.FAILED, case.name
            assert leftovers() == before, case.name
            continue
        assert the(dataset_id).state is DatasetState.READY, f"{case.name}: {the(dataset_id).error}"
        check_stored(case, dataset_id)


@pytest.mark.slow
def test_a_load_that_fails_half_way_leaves_nothing(database, sent, monkeypatch):
    rows = b"title,price\n" + b"".join(b"thing %d,%d\n" % (n, n + 1) for n in range(500))
    original = datasets.add_rejects

    def broken(session, *args):
        datasets.add_items(session, *args)
        raise RuntimeError("the disk is full")

    rows_with_reject = rows + b"thing without price,cheap\n"
    dataset_id = upload("things2.csv", rows_with_reject, sent)
    monkeypatch.setattr(datasets, "add_rejects", broken)
    dataset_actions.load(dataset_id, the(dataset_id).mapping)
    for _ in range(settings().chunk_attempts):
        drain(sent)
        running.sweep()
    assert the(dataset_id).state is DatasetState.FAILED
    assert leftovers() == {"items": 0, "rejects": 0}
    monkeypatch.setattr(datasets, "add_rejects", original)
    with begin() as session:
        job = jobs.latest(session, dataset_id, JobKind.LOAD)
    actions.retry(job.id)
    drain(sent)
    assert the(dataset_id).items == 500
    assert the(dataset_id).rejects == 1


def test_a_column_that_is_not_there_is_named(database, sent):
    dataset_id = upload("things.csv", b"name,price\nLamp,3\n", sent)
    with pytest.raises(MappingError, match="'Titel' for title; the file has name, price"):
        dataset_actions.load(dataset_id, {"title": "Titel"})
    with pytest.raises(MappingError, match="title"):
        dataset_actions.load(dataset_id, {"price": "price"})


def test_a_loaded_table_is_not_loaded_twice(database, sent):
    dataset_id = upload("things.csv", b"name,price\nLamp,3\n", sent)
    dataset_actions.load(dataset_id, {"title": "name"})
    drain(sent)
    with pytest.raises(WrongState, match="it is ready"):
        dataset_actions.load(dataset_id, {"title": "name"})


def test_looking_again_with_another_delimiter_gives_other_columns(database, sent):
    dataset_id = upload("things.csv", b"name;a,price\nLamp;1,2\nChair;3,4\n", sent)
    first = the(dataset_id).inspection["columns"]
    other = "," if len(first) == 2 and first[0] == "name" else ";"
    dataset_actions.inspect_again(dataset_id, {"delimiter": other})
    drain(sent)
    assert the(dataset_id).state is DatasetState.INSPECTED
    assert the(dataset_id).inspection["columns"] != first


def test_what_was_forced_on_one_look_holds_on_the_next(database, sent):
    dataset_id = upload("things.csv", b"old name;old a,old price\nname;a,price\nLamp;1,2\nChair;3,4\n", sent)
    dataset_actions.inspect_again(dataset_id, {"delimiter": ","})
    drain(sent)
    dataset_actions.inspect_again(dataset_id, {"header_line": 2})
    drain(sent)
    assert the(dataset_id).inspection["columns"] == ["name;a", "price"]
    assert the(dataset_id).inspection["forced"] == {"delimiter": ",", "header_line": 2}


def test_deleting_a_dataset_removes_its_bytes_unless_another_shares_them(database, sent):
    data = b"name,price\nLamp,3\n"
    first, second = upload("a.csv", data, sent), upload("b.csv", data, sent)
    file = settings().files_dir / the(first).file_sha256
    dataset_actions.delete_dataset(first)
    assert file.exists()
    dataset_actions.delete_dataset(second)
    assert not file.exists()


def test_a_dataset_is_called_what_its_file_is_called_without_the_kind_of_file(database, sent):
    names = {
        "prices v1.2.csv": "prices v1.2",
        "St. Gallen.2026-11.CSV.gz": "St. Gallen.2026-11",
        "prices v1.2": "prices v1.2",
        "catalogue.parquet": "catalogue",
        ".csv": ".csv",
    }
    assert {name: the(dataset_actions.upload(name, io.BytesIO(b"title\nLamp\n"))).name for name in names} == names


def newest(dataset_id: int, kind: JobKind) -> int:
    with begin() as session:
        job = jobs.latest(session, dataset_id, kind)
    assert job
    return job.id


@pytest.mark.parametrize("way", ["again", "retry", "delete"])
def test_a_cancelled_look_can_be_had_again_or_the_table_deleted(database, sent, way):
    dataset_id = dataset_actions.upload("things.csv", io.BytesIO(b"name,price\nLamp,3\n"))
    job_id = newest(dataset_id, JobKind.INSPECT)
    actions.cancel(job_id)
    drain(sent)
    assert the(dataset_id).state is DatasetState.FAILED
    assert f"was cancelled; look at it again (pricewright retry {job_id})" in the(dataset_id).error
    if way == "delete":
        dataset_actions.delete_dataset(dataset_id)
        return
    if way == "again":
        dataset_actions.inspect_again(dataset_id, {})
    else:
        actions.retry(job_id)
    drain(sent)
    assert (the(dataset_id).state, the(dataset_id).error) == (DatasetState.INSPECTED, None)
    dataset_actions.load(dataset_id, {"title": "name"})
    drain(sent)
    assert the(dataset_id).items == 1


def test_a_cancelled_second_look_or_load_leaves_what_the_first_look_found(database, sent):
    dataset_id = upload("things.csv", b"name;a,price\nLamp;1,2\nChair;3,4\n", sent)
    columns = the(dataset_id).inspection["columns"]
    dataset_actions.inspect_again(dataset_id, {"delimiter": ";"})
    actions.cancel(newest(dataset_id, JobKind.INSPECT))
    assert (the(dataset_id).state, the(dataset_id).inspection["columns"]) == (DatasetState.INSPECTED, columns)
    dataset_actions.load(dataset_id, {"title": columns[0]})
    actions.cancel(newest(dataset_id, JobKind.LOAD))
    assert the(dataset_id).state is DatasetState.INSPECTED
    sent.clear()
    dataset_actions.load(dataset_id, {"title": columns[0]})
    drain(sent)
    assert the(dataset_id).state is DatasetState.READY


def test_a_look_that_was_cancelled_before_this_was_mended_can_be_had_again(database, sent):
    dataset_id = dataset_actions.upload("things.csv", io.BytesIO(b"name,price\nLamp,3\n"))
    with begin() as session:
        jobs.set_state(session, newest(dataset_id, JobKind.INSPECT), JobState.CANCELLED, among=[JobState.RUNNING])
    drain(sent)
    dataset_actions.inspect_again(dataset_id, {})
    with pytest.raises(WrongState, match="can't be looked at again now"):
        dataset_actions.inspect_again(dataset_id, {})
    drain(sent)
    assert the(dataset_id).state is DatasetState.INSPECTED


def test_a_file_that_takes_too_much_memory_ends_as_a_sentence_at_the_first_try(database, sent, monkeypatch):
    def hungry(work):
        return bytearray(1 << 62)

    dataset_id = dataset_actions.upload("things.csv", io.BytesIO(b"name,price\nLamp,3\n"))
    monkeypatch.setitem(steps.STEPS, "inspect", hungry)
    drain(sent)
    assert the(dataset_id).state is DatasetState.FAILED
    assert "takes more memory than there is for it" in the(dataset_id).error
