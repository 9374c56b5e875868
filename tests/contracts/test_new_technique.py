"""A technique is one file: this one is written here, and then it is listed, planned, priced with and compared."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from db import datasets, jobs, predictions
from db.engine import begin
from db.errors import UserError
from db.types import JobState, Split
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well
from tests.worker.conftest import drain
from worker import specs
from worker.pricing import actions, comparison

FILE = '''
"""A share of the lowest price of the category."""

import json
from typing import Literal

import polars as pl
from pydantic import Field

from db.types import Artifact, Family
from worker.progress import Progress
from worker.specs import BaseSpec, Seconds
from worker.techniques.base import Resources, predictions


class CheapestSpec(BaseSpec):
    made_by = "own_prices:Cheapest"
    family = Family.BASELINE
    label = "Cheapest alike"
    about = "A share of the lowest known price of the category: for those who buy."
    seconds = Seconds(0.25)
    chunk_items = 4
    reads = ("category",)
    rare = ("share",)
    technique: Literal["cheapest"] = "cheapest"
    by: Literal["category", "all"] = Field("category", title="Lowest of")
    share: float = Field(1.0, gt=0, le=1, title="Share of it")


class Cheapest:
    def __init__(self, spec: CheapestSpec, resources: Resources) -> None:
        self._spec = spec
        self._lowest: dict[str, float] = {}

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        lowest = train.group_by("category").agg(pl.col("price").min())
        progress.advance(len(train))
        artifact = Artifact({"lowest.json": json.dumps(dict(lowest.iter_rows())).encode()})
        self.load(artifact)
        return artifact

    def load(self, artifact: Artifact) -> None:
        self._lowest = json.loads(artifact.parts["lowest.json"])

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        progress.advance(len(items))
        return predictions(items, [self._spec.share * self._lowest[name] for name in items["category"]])
'''


@pytest.fixture
def cheapest(own: Path) -> None:
    (own / "own_prices.py").write_text(FILE)


@pytest.mark.slow
def test_one_new_file_is_offered_estimated_priced_with_and_compared(
    cheapest: None, open_page: Open, terminal: Callable[..., str], sent: list[int]
) -> None:
    with begin() as session:
        dataset_id = a_dataset(session, 200)
        train = datasets.items(session, dataset_id, Split.TRAIN)

    # The Run page offers it, asks for its fields and says what it would take.
    at = open_page("run")
    assert is_well(at)
    assert "Cheapest alike" in at.pills[0].options
    at.pills[0].set_value(["cheapest"]).run()
    at.number_input(key="spec-cheapest-share").set_value(0.5).run()
    assert is_well(at)
    assert list(at.dataframe[0].value["Technique"]) == ["Cheapest alike (share=0.5)"]
    spec = specs.parse({"technique": "cheapest", "share": "0.5"})
    (estimate,) = actions.estimate(dataset_id, [spec], Split.TEST)
    assert estimate.seconds == pytest.approx(0.25 * estimate.items)

    # Started there, it is fitted, priced in its chunks of four and measured by the usual worker.
    next(button for button in at.button if button.label == "Start 1 job").click().run()
    assert is_well(at)
    drain(sent)
    with begin() as session:
        (job,) = jobs.all(session, dataset_id)
        priced = predictions.of_job(session, job.id)
    assert (job.technique, job.state, job.spec["share"]) == ("cheapest", JobState.DONE, 0.5)
    lowest = train.group_by("category").agg(expected=0.5 * pl.col("price").min())
    expected = priced.join(lowest, on="category", how="left", maintain_order="left")["expected"]
    assert len(priced) == 20
    assert priced["price"].to_list() == pytest.approx(expected.to_list())

    # And the command line names it among the others and finds the same job again.
    words = f"price {dataset_id} --technique cheapest --set share=0.5 --rows test --json"
    report = json.loads(terminal(*words.split()))
    assert report["jobs"] == [job.id]
    assert report["rows"][0]["description"] == "Cheapest alike (share=0.5)"
    assert [line["label"] for line in comparison.of_jobs([job.id])] == ["Cheapest alike"]
    with pytest.raises(UserError, match="choose one of constant, .*, cheapest"):
        terminal("price", str(dataset_id), "--technique", "dearest")


def test_without_the_file_its_jobs_are_told_from_an_earlier_version(own: Path) -> None:
    (own / "own_prices.py").write_text("")
    assert "cheapest" not in specs.SPECS
    with pytest.raises(UserError, match="There is no technique 'cheapest'"):
        specs.parse({"technique": "cheapest"})
