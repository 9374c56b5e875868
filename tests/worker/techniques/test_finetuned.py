"""An adapter's model is asked the way the adapter was trained, whoever tuned it."""

import json
from pathlib import Path

import polars as pl
import pytest

from tests.worker.llm.small import a_model_folder, an_adapter
from tests.worker.techniques.memory_index import MemoryIndex, MemoryResources, demo_items, unpriced
from tests.worker.techniques.scripted import Scripted
from tests.worker.techniques.shared.test_prompting import told
from worker.progress import Silent
from worker.specs import FinetunedSpec, RagSpec
from worker.techniques import build
from worker.techniques.shared.prompt_filling import Given
from worker.techniques.shared.retrieval import add_neighbours

_SHOP = demo_items(130)
TRAIN, TEST = _SHOP[:120], unpriced(_SHOP[120:])


def priced(spec: RagSpec | FinetunedSpec, model: Scripted) -> pl.DataFrame:
    technique = build(spec, model)
    if spec.learns:
        technique.load(technique.fit(TRAIN, TEST.clear(), Silent()))
    return technique.price(TEST, Silent())


def test_the_adapter_and_its_model_are_asked_for_together() -> None:
    model = Scripted()
    found = priced(FinetunedSpec(adapter="abc", model="some", max_price=500), model)
    assert (model.adapter, model.name) == ("abc", "some")
    assert model.readout.bounds.highest == 500
    assert set(found["status"]) == {"ok"}


def test_a_model_that_was_tuned_behind_an_endpoint_is_asked_there() -> None:
    model = Scripted()
    priced(FinetunedSpec(adapter="abc", model="cloud:ft-1"), model)
    assert (model.adapter, model.name) == ("", "cloud:ft-1")


def test_without_neighbours_nothing_is_searched_nor_learned() -> None:
    spec = FinetunedSpec(adapter="abc")
    assert not spec.learns
    found = priced(spec, Scripted())  # has no index
    assert not {"neighbours", "neighbours_alone"} & set(told(found))


def test_fitting_only_to_choose_a_readout_builds_no_index() -> None:
    spec = FinetunedSpec(adapter="abc", readout="auto")
    technique = build(spec, Scripted())  # has no index
    technique.load(technique.fit(TRAIN, _SHOP[:40], Silent()))
    assert len(technique.price(TEST, Silent())) == len(TEST)


def test_with_neighbours_it_asks_just_as_rag_does_and_keeps_what_they_say_alone() -> None:
    tuned, plain = Scripted(index=MemoryIndex()), Scripted(index=MemoryIndex())
    settings = {"k": 3, "neighbour_tokens": 12, "prompt": "listing", "model": "some"}
    found = priced(FinetunedSpec(adapter="abc", **settings), tuned)
    priced(RagSpec(**settings), plain)
    assert tuned.asked == plain.asked
    assert told(found)["neighbours_alone"] > 0
    assert len(told(found)["neighbours"]) == 3


def test_examples_to_train_on_see_neither_themselves_nor_their_near_copies() -> None:
    index = MemoryIndex()
    index.build(TRAIN, Silent())
    asking = TRAIN[:4]
    spec = FinetunedSpec(k=5)

    def seen(*, apart: bool) -> list[list[str]]:
        given = [Given() for _ in range(len(asking))]
        add_neighbours(given, asking, spec, index, Scripted(), Silent(), apart=apart)
        return [[line["id"] for line in each.evidence["neighbours"]] for each in given]

    usual = seen(apart=False)
    assert all(f"row:{row}" not in own for row, own in zip(asking["row"], usual, strict=True))
    nearest = int(usual[0][0].removeprefix("row:"))
    index.groups = {asking["row"][0]: 999, nearest: 999}
    apart = seen(apart=True)
    assert usual[0][0] not in apart[0]
    assert len(apart[0]) == 5
    others = [place for place, row in enumerate(asking["row"]) if row not in index.groups]
    assert len(others) >= 2
    assert [apart[place] for place in others] == [usual[place] for place in others]


@pytest.mark.model
def test_a_real_adapter_with_a_quantile_head_gives_prices_with_intervals(tmp_path: Path) -> None:
    from worker.llm.local.model import LocalModel

    base = LocalModel(str(a_model_folder(tmp_path / "small")))
    files = {name: an_adapter(base.network.model, seed, quantiles=True) for seed, name in enumerate(("a", "b"))}
    resources = MemoryResources(lambda name: base, files.__getitem__)
    prices = {}
    for name in files:
        spec = FinetunedSpec(adapter=name, model="small", max_price=300)
        found = build(spec, resources).price(TEST, Silent())
        assert set(found["status"]) == {"ok"}
        assert (found["low"] < found["price"]).all()
        assert (found["price"] < found["high"]).all()
        assert list(json.loads(found["evidence"][0])["quantiles"]) == ["0.05", "0.25", "0.5", "0.75", "0.95"]
        prices[name] = found["price"].to_list()
    assert prices["a"] != prices["b"]
