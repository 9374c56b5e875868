"""The What if page: supposed costs, where they cross, and scenarios that are kept."""

from decimal import Decimal

import pytest

from db.engine import begin
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, labels, texts
from worker.specs.what_if import Scenario
from worker.what_if import actions


def test_it_opens_on_a_usual_scenario_and_says_that_nothing_of_it_was_measured(open_page: Open, priced: int) -> None:
    at = open_page("what_if")
    assert is_well(at)
    assert "Supposed, not measured: 10,000 items a month over 12 months." in texts(at)
    assert "Labels are not counted" in texts(at)
    assert len(at.dataframe[0].value) == 6


def test_a_supposed_price_of_labels_changes_what_pays(open_page: Open, priced: int) -> None:
    at = open_page("what_if")
    at.number_input(key="what-label_usd").set_value(0.5).run()
    assert is_well(at)
    assert "Labels are not counted" not in texts(at)
    table = at.dataframe[0].value.set_index("Technique")
    assert "labels $80.00" in table.loc["Ridge on words", "Of that"]
    crossings = " ".join(at.dataframe[1].value["sentence"])
    assert "Ridge on words is cheaper than Prompt with examples from" in crossings


@pytest.mark.slow
def test_a_scenario_is_kept_loaded_and_deleted(open_page: Open, priced: int) -> None:
    actions.save(priced, "summer", Scenario(items_a_month=123, months=6))
    at = open_page("what_if")
    assert at.select_slider(key="what-items").value == 10_000
    (load,) = [button for button in at.button if button.label == "Load"]
    load.click().run()
    assert is_well(at)
    assert "123 items a month over 6 months" in texts(at)
    (delete,) = [button for button in at.button if button.label == "Delete it"]
    delete.click().run()
    assert actions.kept(priced) == []
    at.text_input[0].set_value("winter")
    (save,) = [button for button in at.button if button.label == "Save"]
    save.click().run()
    assert is_well(at)
    (kept,) = actions.kept(priced)
    assert (kept.name, kept.settings["items_a_month"]) == ("winter", 123)


@pytest.mark.slow
def test_what_is_supposed_to_cost_nothing_is_loaded_as_nothing_and_not_as_booked(open_page: Open, priced: int) -> None:
    free = Decimal(0)
    actions.save(priced, "ours", Scenario(label_usd=free, cpu_hour_usd=free))
    at = open_page("what_if")
    at.number_input(key="what-gpu_hour_usd").set_value(2.0).run()
    (load,) = [button for button in at.button if button.label == "Load"]
    load.click().run()
    values = {name: at.number_input(key=f"what-{name}").value for name in ("label_usd", "cpu_hour_usd")}
    assert values == {"label_usd": 0.0, "cpu_hour_usd": 0.0}
    assert at.number_input(key="what-gpu_hour_usd").value is at.number_input(key="what-hosting_usd").value is None
    assert "Labels are not counted" not in texts(at)


@pytest.mark.parametrize("is_loaded", [True, False])
def test_without_jobs_or_a_table_it_leads_on(open_page: Open, is_loaded: bool) -> None:
    if is_loaded:
        with begin() as session:
            a_dataset(session)
    at = open_page("what_if")
    assert is_well(at)
    assert any(("Choose techniques" if is_loaded else "demo") in label for label in labels(at))
