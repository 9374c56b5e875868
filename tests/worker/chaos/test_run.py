"""What chaos may break, which faults it chooses, and how its table counts."""

from pathlib import Path

import pytest

from db.errors import UserError
from db.settings import settings
from worker.chaos import faults
from worker.chaos.run import Report, Struck
from worker.chaos.stack import check_may_break
from worker.chaos.work import Verdict


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A data folder of its own, not made yet."""
    home = tmp_path / "home"
    monkeypatch.setenv("PRICEWRIGHT_DATA_DIR", str(home))
    monkeypatch.delenv("PRICEWRIGHT_DATABASE_URL", raising=False)
    settings.cache_clear()
    yield home
    monkeypatch.undo()
    settings.cache_clear()


def test_a_new_folder_is_marked_and_taken_again(home):
    assert check_may_break() == home
    (home / "postgres").mkdir(exist_ok=True)
    assert check_may_break() == home


def test_data_that_is_not_marked_is_never_broken(home):
    home.mkdir()
    (home / "postgres").mkdir()
    with pytest.raises(UserError, match="not marked as a test's"):
        check_may_break()
    assert [each.name for each in home.iterdir()] == ["postgres"]


def test_a_database_of_somebody_else_is_never_broken(home, monkeypatch):
    monkeypatch.setenv("PRICEWRIGHT_DATABASE_URL", "postgresql://somewhere/else")
    settings.cache_clear()
    with pytest.raises(UserError, match="only a stack with its own database"):
        check_may_break()


def test_every_kind_strikes_before_any_strikes_twice_and_the_seed_decides_the_order():
    kinds = len(faults.ALL)
    assert len({fault.name for fault in faults.ALL}) == kinds
    first = [fault.name for fault in faults.schedule(1, kinds + 3)]
    assert len(set(first[:kinds])) == kinds
    assert first == [fault.name for fault in faults.schedule(1, kinds + 3)]
    assert first != [fault.name for fault in faults.schedule(2, kinds + 3)]
    assert {fault.name for fault in faults.schedule(1, 9, "sigstop")} <= {
        fault.name for fault in faults.ALL if "SIGSTOP" in fault.name
    }
    with pytest.raises(UserError, match="No fault has 'x-ray'"):
        faults.schedule(1, 1, "x-ray")


def test_the_table_counts_what_a_job_suffered_at_each_of_its_faults_and_in_all_once():
    report = Report(1, [Struck("a", 2.0), Struck("a", 4.0), Struck("b", 90.0, is_stuck=True)])
    report.verdicts = [Verdict("cheap", 1, 10, lost=3, faults={"a", "b"}), Verdict("cheap", 2, 10, faults={"b"})]
    lines = {line["fault"]: line for line in report.table()}
    assert [lines[name]["lost"] for name in ("a", "b", "all")] == [3, 3, 3]
    assert [lines[name]["stuck"] for name in ("a", "b", "all")] == [0, 1, 1]
    assert (lines["a"]["count"], lines["a"]["median_recovery"], lines["all"]["worst_recovery"]) == (2, 3.0, 90.0)
    assert not report.is_good
    assert Report(1, [Struck("a", 2.0)], [], [Verdict("cheap", 1, 10)]).is_good
