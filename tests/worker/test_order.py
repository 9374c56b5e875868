"""The order of work when everything is started at once: real techniques, one worker, one message at a time."""

from pathlib import Path

import pytest
from sqlalchemy import text

from db.engine import begin
from db.types import Split
from tests.builders import a_dataset
from tests.worker.conftest import drain
from tests.worker.hashed import HashedWords
from tests.worker.llm.small import a_model_folder
from worker import running, specs
from worker.knowledge import index
from worker.pricing import actions
from worker.specs import BaseSpec, ConstantSpec, LightGBMSpec, NeighboursSpec, RidgeSpec, ZeroShotSpec

FIT_TO_RESULT = ["fit", "price", "evaluate"]


@pytest.fixture
def dataset_id(database, monkeypatch) -> int:
    """400 rows, 40 of them to price, which the language model does 16 at a time."""
    monkeypatch.setattr(index, "embedder", HashedWords)
    monkeypatch.setattr(specs.LlmSpec, "chunk_items", 16)
    with begin() as session:
        return a_dataset(session, 400)


@pytest.fixture(scope="module")
def prompt(tmp_path_factory) -> BaseSpec:
    """A language model that was never trained: small, and as slow to start as any."""
    folder: Path = a_model_folder(tmp_path_factory.mktemp("small") / "model")
    return ZeroShotSpec(model=str(folder))


def done() -> list[tuple[str, str]]:
    """(technique, step) of every chunk that is done, in the order of their ends."""
    with begin() as session:
        query = text(
            "SELECT j.technique, c.step FROM chunks c JOIN jobs j ON j.id = c.job_id WHERE c.state = 'done' "
            "ORDER BY c.finished_at"
        )
        return [(row.technique, row.step) for row in session.execute(query)]


@pytest.mark.model
def test_every_baseline_is_measured_before_the_language_models_second_chunk(dataset_id, sent, prompt):
    # Handed over in the worst order: what comes first is not what was sent first.
    planned = [prompt, NeighboursSpec(), LightGBMSpec(trees=20), RidgeSpec(), ConstantSpec()]
    actions.start(dataset_id, planned, Split.TEST)
    drain(sent)
    order = done()
    assert [step for technique, step in order if technique == "zero-shot"] == ["fit"] + ["price"] * 3 + ["evaluate"]
    second = [place for place, chunk in enumerate(order) if chunk == ("zero-shot", "price")][1]
    measured = {technique for technique, step in order[:second] if step == "evaluate"}
    assert measured == {"constant", "ridge", "lightgbm", "neighbours"}


@pytest.mark.slow
def test_a_fit_does_not_go_before_the_pricing_of_what_is_fitted(dataset_id, sent):
    actions.start(dataset_id, [NeighboursSpec(), LightGBMSpec(trees=20), RidgeSpec(), ConstantSpec()], Split.TEST)
    drain(sent)
    order = done()
    assert [technique for technique, _ in order[::3]] == ["constant", "ridge", "lightgbm", "neighbours"]
    assert [step for _, step in order] == FIT_TO_RESULT * 4


@pytest.mark.model
def test_a_small_later_job_overtakes_between_two_chunks_of_a_long_one(dataset_id, sent, prompt):
    actions.start(dataset_id, [prompt], Split.TEST)
    running.run_chunk(sent.pop(0))
    actions.start(dataset_id, [RidgeSpec()], Split.TEST)
    for _ in range(2):
        running.run_chunk(sent.pop(0))
    assert done() == [("zero-shot", "fit"), *(("ridge", step) for step in FIT_TO_RESULT)]
    drain(sent)
    assert done()[4:] == [*[("zero-shot", "price")] * 3, ("zero-shot", "evaluate")]


@pytest.mark.model
def test_a_shorter_job_of_the_same_technique_overtakes_a_longer_one(dataset_id, sent, prompt):
    [long] = actions.start(dataset_id, [prompt], Split.TEST)
    running.run_chunk(sent.pop(0))
    [short] = actions.start(dataset_id, [prompt], Split.TEST, 5)
    for _ in range(2):  # it takes up what the long one learned, then prices
        running.run_chunk(sent.pop(0))
    with begin() as session:
        states = {job.id: job.state for job in session.execute(text("SELECT id, state FROM jobs"))}
    assert (states[long], states[short]) == ("running", "done")


@pytest.mark.slow
def test_what_was_learned_before_counts_as_learned(dataset_id, sent):
    """A fit that is stored is read in no time, so that job goes before one that has to learn."""
    actions.start(dataset_id, [RidgeSpec()], Split.TEST)
    drain(sent)
    actions.start(dataset_id, [LightGBMSpec(trees=20), RidgeSpec()], Split.TEST, 5)
    drain(sent)
    assert [technique for technique, _ in done()[3:]] == ["ridge"] * 3 + ["lightgbm"] * 3
