"""A watched folder with 200 files, some broken, while workers and the watcher are killed with -9: each good file is
priced once, each bad one lies aside, nothing is lost."""

import csv
import io
from pathlib import Path

import psutil
import pytest
from sqlalchemy.orm import Session

from db import pricer_batches
from db.types import BatchState
from tests.builders import a_catalogue
from tests.e2e.live import Live, live_stack

FILES, ROWS, KILLS, WATCHERS = 200, 4, 10, 4
BAD = {
    7: b"\x00\x01\x02 no text \xff\xfe",
    27: b"",
    47: b"title,price\n",  # a header and no row
    67: b"sku,net\nA-1,3\nA-2,4\n",  # which column is the title?
    87: b"title,description,category,brand,price\nLamp,d,c,b,1.234\nChair,d,c,b,5.678\n",  # thousands or dollars?
    107: b"PK\x03\x04 a workbook that ends here",
    127: b"PAR1 a table that ends here",
    147: b"\x1f\x8b\x08 an archive that ends here",
}

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def stack():
    with live_stack(demo="false", lease_seconds="2", sweep_seconds="1", watch_seconds="0.5") as stack:
        yield stack


def files(folder: Path) -> dict[str, bytes]:
    """Fill the folder; what it holds by name. Every twentieth holds the same as another one, under another name."""
    held = {}
    for number in range(FILES):
        frame = a_catalogue(ROWS, seed=1000 + number - (number % 20 == 19)).drop("row", "price")
        held[f"shop {number:03}.csv"] = BAD.get(number, frame.write_csv().encode())
    for name, content in held.items():
        (folder / name).write_bytes(content)
    return held


def test_each_good_file_is_priced_once_and_each_bad_one_lies_aside(stack: Live, tmp_path: Path):
    inbox, out = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    a_catalogue(120).drop("row").write_csv(tmp_path / "source.csv")
    job = stack.cli("price", str(tmp_path / "source.csv"), "--technique", "constant", "--rows", "test")["jobs"][0]
    stack.cli("use", "--as", "monthly", "--job", str(job))
    held = files(inbox)
    wanted = {content for name, content in held.items() if content not in BAD.values()}

    watch = ("watch", str(inbox), "--with", "monthly", "--out", str(out), "--once", "--json")
    watcher = stack.start_cli(*watch)
    for kill in range(KILLS):
        done = FILES * kill // (KILLS + 2)
        stack.wait_for(f"more than {done} files", lambda done=done: finished(stack) > done, 300)
        for worker in stack.find("celery", "-Q", ("cpu", "interactive")[kill % 2]):
            end(worker)
        if kill % (KILLS // WATCHERS) == 1:
            watcher.kill()
            watcher.communicate()
            watcher = stack.start_cli(*watch)
    told, err = watcher.communicate(timeout=600)
    assert watcher.returncode == 0, err + told

    bare = {name: content for name, content in held.items() if name in {path.name for path in inbox.iterdir()}}
    aside = {path.name: path.read_bytes() for path in (out / "aside").iterdir() if not path.name.endswith(".why.txt")}
    assert sorted(aside) == [f"shop {number:03}.csv" for number in BAD]
    assert aside | bare == held  # byte by byte
    for name in aside:
        assert len((out / "aside" / f"{name}.why.txt").read_text().splitlines()) == 1
    priced = [path.read_bytes() for path in out.iterdir() if path.is_file()]
    assert sorted(map(without_prices, priced)) == sorted(wanted)
    assert not list(out.rglob(".*"))
    with Session(stack.engine) as session:
        every = pricer_batches.all(session)
    assert len(every) == len(wanted) + len(BAD)
    assert {each.state for each in every} == {BatchState.PRICED, BatchState.ASIDE}
    its_jobs = [each for each in stack.jobs() if each["source_id"] is not None]
    assert len(its_jobs) == len(wanted)  # none was priced a second time
    assert {each["items_done"] for each in its_jobs} == {ROWS}


def finished(stack: Live) -> int:
    with Session(stack.engine) as session:
        return len(pricer_batches.all(session)) - len(pricer_batches.unfinished(session))


def without_prices(content: bytes) -> bytes:
    """The file as it came, where every row has a price."""
    rows = list(csv.reader(io.StringIO(content.decode())))
    assert rows[0][-5:] == ["price", "low", "high", "flag", "reason"]
    assert all(float(row[-5]) > 0 for row in rows[1:])
    lines = content.decode().splitlines()
    return "".join(line.rsplit(",", 5)[0] + "\n" for line in lines).encode()  # none of the five has a comma in it


def end(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return  # its parent's death took it along
