"""An ensemble and a cascade from the Run page to Trade-offs and the terminal: chosen, started, priced, explained."""

import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from db import jobs
from db.engine import begin
from db.errors import UserError
from db.types import JobState, Split
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, texts
from tests.worker.conftest import drain
from worker import specs
from worker.cli import watch
from worker.pricing import actions

pytestmark = pytest.mark.slow  # whole jobs


def test_members_are_chosen_on_the_run_page_and_told_on_trade_offs(
    open_page: Open, terminal: Callable[..., str], sent: list[int]
) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 1_000, scale=3)
    first = actions.start(dataset_id, [specs.ConstantSpec(), specs.RidgeSpec()], Split.TEST)
    drain(sent)

    # What was priced already is chosen at first, by the number of its job.
    at = open_page("run")
    at.pills[0].set_value(["ensemble", "cascade"]).run()
    assert is_well(at)
    assert at.multiselect(key="spec-ensemble-members").value == [str(job_id) for job_id in first]
    at.multiselect(key="spec-cascade-members").set_value([str(first[0])]).run()
    assert "Cascade needs two members at least" in texts(at)
    at.multiselect(key="spec-cascade-members").set_value([str(job_id) for job_id in first]).run()
    assert is_well(at)
    assert (
        "At most: all members asked about all rows, less 200 answers that are there."
        in at.dataframe[0].value["Rests on"][0]
    )
    next(button for button in at.button if button.label == "Start 2 jobs").click().run()
    drain(sent)
    with begin() as session:
        made = {job.technique: job for job in jobs.all(session, dataset_id)}
    assert {job.state for job in made.values()} == {JobState.DONE}

    at = open_page("tradeoffs")
    assert is_well(at)
    view = next(each for each in at.segmented_control if each.label == "View")
    view.set_value("Combinations").run()
    assert is_well(at)
    assert "each judged by weights learned on the others" in texts(at)
    assert list(at.dataframe[-1].value["technique"]) == ["Category median", "Ridge on words"]
    at.selectbox(key=f"combination-{min(made['ensemble'].id, made['cascade'].id)}").select(made["cascade"].id).run()
    assert is_well(at)
    assert "chose neither the order nor the limits" in texts(at)

    report = json.loads(terminal("compare", str(dataset_id), "--json"))
    told = {row["technique"]: row.get("combination") for row in report["rows"]}
    assert told["ridge"] is None
    assert told["ensemble"]["kind"] == "ensemble"
    assert len(told["cascade"]["curve"]) > 1
    printed = terminal("compare", str(dataset_id))
    assert "its members on" in printed


def test_the_terminal_takes_members_by_name_and_says_which_setting_is_meant(
    terminal: Callable[..., str], sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 400, scale=3)
    monkeypatch.setattr(watch, "time", SimpleNamespace(sleep=lambda _: drain(sent), monotonic=lambda: 0.0))
    words = ("price", str(dataset_id), "--rows", "test", "--json")
    report = json.loads(terminal(*words, "--technique", "ensemble", "--set", "members=ridge,constant"))
    assert report["rows"][0]["description"] == "Ensemble (Ridge on words + Category median)"
    with pytest.raises(UserError, match="belongs to --technique ensemble or cascade"):
        terminal(*words, "--technique", "ridge", "--set", "members=ridge,constant")
    with pytest.raises(UserError, match="needs two members at least"):
        terminal(*words, "--technique", "cascade", "--set", "members=ridge")
