"""The Advisor page: what was measured with its run, what was not with the way to it, and the next step."""

import pytest

from db.engine import begin
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, labels, texts
from tests.dashboard.priced import a_priced_dataset
from worker.advisor import actions
from worker.advisor.advice import COLUMNS
from worker.advisor.facts import NOT_RUN


@pytest.mark.slow
def test_it_shows_every_fact_with_its_run(open_page: Open, priced: int) -> None:
    at = open_page("advisor")
    assert is_well(at)
    said = texts(at)
    for name in ("Prompting", "RAG", "Fine-tuning", "No language model"):
        assert f"#### {name}" in said
    with begin() as session:
        advised = actions.advice(session, priced)
    facts = [fact for way in advised.ways for column in COLUMNS for fact in way.cell(column)]
    links_shown = [each.proto.label for each in at.get("page_link")]
    told_once = [fact for fact in facts if fact.text == NOT_RUN]
    assert sorted(links_shown) == sorted(fact.link.label for fact in facts if fact not in told_once)
    assert all(fact.claim in said for fact in facts)
    assert at.button(key="advisor-way-finetune").label == "Fine-tune"


@pytest.mark.slow
def test_the_first_step_stands_first_and_its_button_leads_to_the_run(open_page: Open, priced: int) -> None:
    at = open_page("advisor")
    with begin() as session:
        step = actions.advice(session, priced).steps[0]
    button = at.button(key="advisor-step-0")
    assert button.label == step.link.label
    button.click().run()
    assert at.query_params["dataset"] == str(priced)
    assert not at.exception


@pytest.mark.parametrize("is_loaded", [True, False])
def test_without_runs_or_a_table_it_leads_on(open_page: Open, is_loaded: bool) -> None:
    if is_loaded:
        with begin() as session:
            a_dataset(session)
    at = open_page("advisor")
    assert is_well(at)
    assert any(("Choose techniques" if is_loaded else "demo") in label for label in labels(at))


def test_the_run_page_takes_technique_and_settings_from_the_address(open_page: Open) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        a_priced_dataset(session, dataset_id, ("ridge",))
    at = open_page("run", dataset=str(dataset_id), technique="multi-shot", k="7", choose="nearest", limit="12")
    assert is_well(at)
    assert at.pills[0].value == ["multi-shot"]
    assert at.number_input(key="spec-multi-shot-k").value == 7
    assert at.number_input(key=f"sample-{dataset_id}-measure").value == 12
    assert at.selectbox(key="spec-multi-shot-choose").value == "nearest"
    assert not [each for each in at.warning if "Session State" in each.value]
    for k in ("999", "x"):
        other = open_page("run", dataset=str(dataset_id), technique="multi-shot", k=k)
        assert is_well(other)
        assert other.number_input(key="spec-multi-shot-k").value == 3
    assert open_page("run", technique="nothing").pills[0].value != ["nothing"]
