"""The Race page starts a race, shows how it goes, and says what came of it."""

import pytest
from sqlalchemy import text

from dashboard.parts.race import charts, reads
from db import jobs
from db.engine import begin
from db.types import JobKind, JobState
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, labels, texts
from tests.worker.conftest import drain
from tests.worker.conftest import sent as sent
from worker import specs
from worker.evaluation.measures import DECIDING
from worker.race import actions
from worker.specs.race import Margin

pytestmark = pytest.mark.slow


@pytest.fixture
def dataset_id(database: str, sent: list[int]) -> int:
    with begin() as session:
        return a_dataset(session, 2000)


def test_it_is_started_watched_and_answered(open_page: Open, dataset_id: int, sent: list[int]) -> None:
    at = open_page("race")
    assert is_well(at)
    at.pills[0].set_value(["constant", "ridge"]).run()
    assert "A race pays for fewer." in texts(at)
    next(button for button in at.button if button.label == "Race them").click().run()
    assert is_well(at)
    assert "Nothing is decided yet" in "".join(str(each.proto.text) for each in at.get("progress"))
    with begin() as session:
        race = jobs.latest(session, dataset_id, JobKind.RACE)
    assert race is not None
    assert {"Pause", "Cancel"} <= set(labels(at))
    drain(sent)
    at = open_page("race")
    assert is_well(at)
    result = actions.standing(race.id)[1]
    assert result.ended in ("clear", "rows")
    assert f"of {race.items_total:,} rows" in texts(at) or f"all {race.items_total:,} rows" in texts(at)
    table = at.dataframe[0].value
    assert "out after" in "".join(table["Standing"])
    assert "All pairs are held at once" in texts(at)


def test_the_rest_is_priced_by_a_button_and_the_jobs_page_says_who_was_stopped(
    open_page: Open, dataset_id: int, sent: list[int]
) -> None:
    race_id = actions.start(dataset_id, [specs.RidgeSpec(), specs.ConstantSpec()], Margin(0.02, is_share=True))
    drain(sent)
    best = actions.standing(race_id)[1].left[0].job
    at = open_page("jobs")
    assert is_well(at)
    assert f"Stopped early by race {race_id}" in texts(at)
    at = open_page("race", job=str(race_id))
    assert "Price the rest with Ridge on words" in labels(at)
    at.button(key=f"race-rest-{best}").click().run()
    with begin() as session:
        assert jobs.get(session, best).state is JobState.RUNNING
    drain(sent)
    with begin() as session:
        assert jobs.get(session, best).state is JobState.DONE
    at = open_page("race")
    assert f"job {best} is done" in texts(at)


def test_a_margin_that_is_no_amount_is_told(open_page: Open, dataset_id: int) -> None:
    at = open_page("race")
    at.pills[0].set_value(["constant", "ridge"]).run()
    at.text_input(key="race-margin").set_value("little").run()
    assert [each.value for each in at.error] == ["The margin should look like 2% or 1.50, and 'little' does not."]


def test_too_few_rows_lead_to_the_run_page(open_page: Open, database: str) -> None:
    with begin() as session:
        a_dataset(session, 100)
    at = open_page("race")
    assert is_well(at)
    assert "too few test rows for a race" in texts(at)


def test_the_chart_has_a_band_and_a_line_and_zero(dataset_id: int, sent: list[int]) -> None:
    race_id = actions.start(dataset_id, [specs.RidgeSpec(), specs.ConstantSpec()], Margin(0.02, is_share=True))
    drain(sent)
    result = actions.standing(race_id)[1]
    points = reads.gaps(result, reads.names(result))
    assert points.columns == ["technique", "rows", "gap", "low", "high"]
    assert (points["low"] <= points["high"]).all()
    drawn = charts.gaps(points, DECIDING["mae"]).to_dict()
    assert len(drawn["layer"]) == 3


def test_a_weighted_race_says_so_and_the_switch_starts_another(
    open_page: Open, dataset_id: int, sent: list[int]
) -> None:
    with begin() as session:
        session.execute(text("UPDATE items SET weight = 1 + row % 3"))
        session.execute(text("""UPDATE datasets SET mapping = '{"title": "name", "weight": "count"}'"""))
    actions.start(dataset_id, [specs.RidgeSpec(), specs.ConstantSpec()], Margin(0.02, is_share=True))
    drain(sent)
    at = open_page("race")
    assert is_well(at)
    assert "mean error weighted by count" in texts(at)
    at.pills[0].set_value(["constant", "ridge"]).run()
    at.toggle(key=f"weighted-{dataset_id}").set_value(False).run()
    next(button for button in at.button if button.label == "Race them").click().run()
    assert is_well(at)
    with begin() as session:
        columns = [job.spec["race"]["weighted_by"] for job in jobs.all(session, dataset_id, JobKind.RACE)]
    assert columns == ["", "count"]
