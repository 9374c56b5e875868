"""The Trade-offs page: the verdict, every error and every closer look."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.parts.report import files
from dashboard.parts.tradeoffs import intervals
from dashboard.shared import verdicts
from db import jobs, predictions
from db.engine import begin
from db.types import Split
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, texts
from tests.dashboard.priced import a_finished_job
from tests.worker.conftest import drain
from tests.worker.conftest import sent as sent
from worker import specs
from worker.pricing import actions, kept


@pytest.mark.slow
def test_the_verdict_names_the_one_ahead_the_tied_and_the_cheapest(open_page: Open, priced: int) -> None:
    at = open_page("tradeoffs")
    verdict = at.info[0].value
    assert "is ahead on mean error" in verdict
    assert "95 % interval" in verdict
    assert "\\$" in verdict  # two bare dollar signs would be drawn as a formula
    assert len(at.dataframe[0].value) == 6


@pytest.mark.slow
@pytest.mark.parametrize("error", ["median_ape", "rmsle", "within"])
def test_every_error_can_be_chosen(open_page: Open, priced: int, error: str) -> None:
    at = open_page("tradeoffs")
    at.selectbox(key="error").select(error).run()
    assert is_well(at)
    assert "is ahead on" in at.info[0].value


@pytest.mark.slow
@pytest.mark.parametrize(
    "view", ["By category", "By price", "Every pair", "Intervals", "Guesses", "Worst rows", "Speed"]
)
def test_every_closer_look_opens(open_page: Open, priced: int, view: str) -> None:
    at = open_page("tradeoffs")
    at.segmented_control[0].set_value(view).run()
    assert is_well(at)


@pytest.mark.slow
def test_a_job_on_few_rows_is_named_as_what_makes_the_comparison_small(open_page: Open, priced: int) -> None:
    with begin() as session:
        job_id = a_finished_job(session, priced, specs.NeighboursSpec(k=3))
        jobs.set_total(session, job_id, 3)
    at = open_page("tradeoffs")
    assert "Nearest neighbours (k=3) priced only 3 rows" in texts(at)


@pytest.mark.slow
def test_a_reader_chooses_the_measures_of_the_table(open_page: Open, priced: int) -> None:
    at = open_page("tradeoffs")
    at.multiselect(key="measures-mae").set_value(["mae", "smape", "r2", "bias"]).run()
    assert is_well(at)
    assert {"smape", "r2", "bias"} <= set(at.dataframe[0].value.columns)
    assert "rmsle" not in at.dataframe[0].value.columns


@pytest.mark.slow
def test_runs_that_differ_by_chance_only_are_one_line(open_page: Open, priced: int) -> None:
    with begin() as session:
        for seed in (1, 2):
            a_finished_job(session, priced, specs.MultiShotSpec(seed=seed))
    at = open_page("tradeoffs")
    assert is_well(at)
    assert len(at.dataframe[0].value) == 6
    assert any("(3 runs)" in label for label in at.dataframe[0].value["label"])


@pytest.mark.slow
def test_the_verdict_is_checked_on_a_worker_and_its_rates_are_shown(
    open_page: Open, priced: int, sent: list[int]
) -> None:
    at = open_page("tradeoffs")
    at.segmented_control[0].set_value("Certainty").run()
    next(button for button in at.button if button.label == "Check the verdict").click().run()
    assert is_well(at)
    assert any(button.label == "Cancel" for button in at.button)
    drain(sent)
    at.run()
    assert "comparisons of 6 truly equal techniques" in texts(at)
    assert is_well(at)


@pytest.mark.slow
def test_intervals_are_judged_by_test_rows_and_by_segment(open_page: Open, priced: int) -> None:
    at = open_page("tradeoffs")
    at.segmented_control[0].set_value("Intervals").run()
    table = at.dataframe[1].value
    assert len(table) == 6
    assert set(table["verdict"]) <= set(verdicts.COVERAGE.values())
    at.radio(key="segment").set_value(intervals.BAND).run()
    assert is_well(at)
    assert len(at.dataframe[1].value) > 6


@pytest.mark.slow
def test_techniques_that_can_promise_nothing_say_why_in_one_sentence(open_page: Open, priced: int) -> None:
    at = open_page("tradeoffs")
    at.segmented_control[0].set_value("Hand over").run()
    assert is_well(at)
    (said,) = [info.value for info in at.info if "no hit rate can be promised" in info.value]
    assert "Category median" in said
    assert "% certainty" not in texts(at)


@pytest.mark.slow
def test_a_technique_hands_over_what_it_cannot_promise(open_page: Open, database: str, sent: list[int]) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 1_500)
    actions.start(dataset_id, [specs.ConstantSpec(), specs.RidgeSpec()], Split.TEST)
    drain(sent)
    at = open_page("tradeoffs")
    charts = len(at.get("vega_lite_chart"))
    at.segmented_control[0].set_value("Hand over").run()
    assert is_well(at)
    wish = at.slider[0].value
    assert wish % 5 == 0
    assert f": at {wish}% certainty " in texts(at)
    assert len(at.get("vega_lite_chart")) == charts
    at.slider[0].set_value(99).run()
    assert is_well(at)
    assert ": at 99% certainty" not in texts(at)
    assert texts(at).count("No share of the rows can be promised at 99%; the most is ") == 2


@pytest.mark.slow
def test_limits_choose_and_say_so_in_words_and_in_the_table(open_page: Open, priced: int) -> None:
    at = open_page("tradeoffs")
    assert "Chosen" not in texts(at)
    at.number_input(key="limit-mae").set_value(1000.0).run()
    assert is_well(at)
    assert "Cheapest with mean error at most \\$1,000: **Category median**" in texts(at)
    table = at.dataframe[0].value
    chosen = dict(zip(table["label"], table["chosen"], strict=True))
    assert {label: said for label, said in chosen.items() if said} == {"Category median": "cheapest"}
    at.number_input(key="limit-usd").set_value(0.0).run()
    assert "per 1,000 items: none. " in texts(at)


def test_the_report_is_made_when_somebody_wants_it(
    open_page: Open, priced: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(files, "made", lambda *how: asked.append(how[-1]))
    at = open_page("tradeoffs")
    assert is_well(at)
    labels = [button.proto.label for button in at.get("download_button")]
    assert labels[-len(files.FORMATS) :] == [form.label for form in files.FORMATS.values()]
    assert asked == []
    assert labels.count("SVG") == labels.count("PNG") == len(at.get("vega_lite_chart"))


@pytest.mark.slow
def test_many_predictions_are_compared_by_a_worker_and_shown_when_it_is_done(
    open_page: Open, priced: int, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "AT_ONCE", 50)
    at = open_page("tradeoffs")
    assert is_well(at)
    assert "A worker compares 120 predictions: 0 of 9 parts are made" in progress_lines(at)
    assert not at.dataframe
    drain(sent)
    at.run()
    assert "is ahead on mean error" in at.info[0].value
    assert len(at.dataframe[0].value) == 6
    assert "Web page (HTML)" in [each.proto.label for each in at.get("download_button")]
    at.selectbox(key="error").select("rmsle").run()
    assert "0 of 4 parts are made" in progress_lines(at)
    drain(sent)
    at.run()
    assert "is ahead on rmsle" in at.info[0].value
    assert progress_lines(at) == ""


@pytest.mark.slow
def test_a_comparison_that_was_cancelled_can_be_made_all_the_same(
    open_page: Open, priced: int, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "AT_ONCE", 50)
    at = open_page("tradeoffs")
    press(at, "Cancel")
    at.run()
    assert "The comparison was cancelled." in texts(at)
    press(at, "Compare anyway")
    drain(sent)
    at.run()
    assert "is ahead on mean error" in at.info[0].value


def press(at: AppTest, label: str) -> None:
    next(button for button in at.button if button.label == label).click().run()


def progress_lines(at: AppTest) -> str:
    return " ".join(each.proto.text for each in at.get("progress"))


@pytest.mark.slow
def test_a_new_limit_needs_no_predictions_once_it_was_compared(
    open_page: Open, priced: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page("tradeoffs")
    at.number_input(key="limit-usd").set_value(0.05).run()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("The predictions were read again.")

    monkeypatch.setattr(predictions, "of_jobs", refuse)
    at.number_input(key="limit-usd").set_value(5.0).run()
    assert is_well(at)
    assert "at most $5.00 per 1,000 items" in texts(at).replace("\\$", "$")
