"""Files that are larger than a value of Postgres may be, on a real one, where a piece has three bytes."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

import db
from db import adapters, pieces, trainings
from db.engine import Session, begin
from db.types import Checkpoint
from tests.builders import a_dataset, a_job, an_adapter
from worker.adapters import actions

A, B = "a" * 64, "b" * 64
FILES = {"a.json": b"{}", "empty": b"", "three": b"abc", "weights": bytes(range(256))}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 3)


def a_large_adapter(session: Session) -> None:
    adapter = an_adapter(session, None, id=A)
    adapters.register(session, replace(adapter, id=B), FILES)


def in_pieces(session: Session, table: str, name: str) -> list[tuple[str, int]]:
    """(file, number of its pieces); none is larger than a piece may be."""
    found = session.execute(
        text(f"SELECT {name}, count(*), max(octet_length(payload)) FROM {table} GROUP BY 1 ORDER BY 1")
    ).all()
    assert max(largest for _, _, largest in found) <= 3
    return [(name, count) for name, count, _ in found]


def test_the_files_of_an_adapter_come_back_whole_and_their_size_is_that_of_all_pieces(session):
    a_large_adapter(session)
    assert adapters.files(session, B) == FILES
    assert adapters.get(session, B).size_bytes == sum(map(len, FILES.values()))
    adapters.drop(session, A)
    assert in_pieces(session, "adapter_files", "name") == [("a.json", 1), ("empty", 1), ("three", 1), ("weights", 86)]


def test_a_checkpoint_comes_back_whole_and_a_shorter_one_leaves_nothing_of_it(session):
    job_id = a_job(session, a_dataset(session))
    trainings.save_checkpoint(session, job_id, Checkpoint(10, FILES))
    assert trainings.checkpoint(session, job_id) == Checkpoint(10, FILES)
    assert dict(in_pieces(session, "checkpoints", "part"))["weights"] == 86
    shorter = Checkpoint(20, {"weights": b"defg"})
    trainings.save_checkpoint(session, job_id, shorter)
    assert trainings.checkpoint(session, job_id) == shorter


def test_an_adapter_of_many_pieces_is_downloaded_whole(database):
    with begin() as session:
        a_large_adapter(session)
    with zipfile.ZipFile(io.BytesIO(actions.download(B))) as archive:
        inside = {name.split("/")[1]: archive.read(name) for name in archive.namelist()}
    assert FILES.items() <= inside.items()


def test_the_migration_keeps_what_was_whole_and_going_back_puts_it_together(database):
    config = Config()
    config.set_main_option("script_location", str(Path(db.__file__).parent / "migrations"))
    with begin() as session:
        a_large_adapter(session)
        job_id = a_job(session, a_dataset(session))
        trainings.save_checkpoint(session, job_id, Checkpoint(10, FILES))

    command.downgrade(config, "0004")
    with begin() as session:
        for query in (
            "SELECT part, payload FROM checkpoints",
            f"SELECT name, payload FROM adapter_files WHERE adapter_id = '{B}'",
        ):
            assert dict(session.execute(text(query)).all()) == FILES

    command.upgrade(config, "head")
    with begin() as session:
        assert adapters.files(session, B) == FILES
        assert trainings.checkpoint(session, job_id) == Checkpoint(10, FILES)
        assert session.scalars(
            text("SELECT DISTINCT piece FROM checkpoints UNION SELECT piece FROM adapter_files")
        ).all() == [0]
