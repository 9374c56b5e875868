"""The model reads what was retrieved, that is kept, and the same retrieval without the model stands beside it."""

import polars as pl
import pytest

from db.types import NO_LIMITS, SearchLimits
from tests.worker.techniques.memory_index import MemoryIndex, demo_items, unpriced
from tests.worker.techniques.scripted import Scripted
from tests.worker.techniques.shared.test_prompting import told
from worker.evaluation.neighbours_alone import weighted_median
from worker.progress import Cancelled, Progress, Silent
from worker.specs import RagSpec
from worker.techniques import build

_SHOP = demo_items(130)
TRAIN, TEST = _SHOP[:120], unpriced(_SHOP[120:])


class Recording(MemoryIndex):
    def __init__(self) -> None:
        super().__init__()
        self.searched: list[tuple[int, SearchLimits]] = []

    def nearest(self, items: pl.DataFrame, k: int, limits: SearchLimits = NO_LIMITS) -> pl.DataFrame:
        self.searched.append((k, limits))
        return super().nearest(items, k, limits)


def priced(spec: RagSpec, index: MemoryIndex, progress: Progress | None = None):
    model = Scripted(index=index)
    technique = build(spec, model)
    technique.load(technique.fit(TRAIN, TEST.clear(), Silent()))
    return technique.price(TEST, progress or Silent()), model


def test_neighbours_with_prices_stand_in_the_prompt_the_most_similar_one_last() -> None:
    index = MemoryIndex()
    found, model = priced(RagSpec(k=3), index)
    for place, prompt in enumerate(model.asked):
        neighbours = told(found, place)["neighbours"]
        assert [line["similarity"] for line in neighbours] == sorted(
            (n["similarity"] for n in neighbours), reverse=True
        )
        assert set(neighbours[0]) == {"id", "title", "price", "similarity", "age_days"}
        places = [prompt.user.index(f"Price: ${max(1, round(line['price']))}\n") for line in reversed(neighbours)]
        assert len(set(places)) >= 1
        last = prompt.user.split("A product from an online shop\n\n")[3]
        assert last.endswith(f"Price: ${max(1, round(neighbours[0]['price']))}\n\n\n")


def test_the_same_neighbours_without_the_model_are_beside_every_price() -> None:
    found, _ = priced(RagSpec(k=4), MemoryIndex())
    for place in range(len(TEST)):
        evidence = told(found, place)
        alone = weighted_median(*([line[key] for line in evidence["neighbours"]] for key in ("price", "similarity")))
        assert evidence["neighbours_alone"] == pytest.approx(alone)


def test_the_spec_says_what_is_searched() -> None:
    index = Recording()
    priced(RagSpec(k=7, same_category=True, min_similarity=0.25, newer_than_days=90), index)
    assert index.searched == [
        (7, SearchLimits(same_category=True, min_similarity=0.25, newer_than_days=90, apart=False))
    ]


def test_neighbour_texts_are_cut() -> None:
    _, model = priced(RagSpec(k=2, neighbour_tokens=8), MemoryIndex())
    first = model.asked[0].user.split("A product from an online shop\n\n")[1].split("\n\nPrice")[0]
    assert model.count([first]) == [8]


@pytest.mark.parametrize("spec", [RagSpec(k=0), RagSpec(min_similarity=1.0)])
def test_nothing_similar_is_a_cold_prompt_with_no_comparison(spec: RagSpec) -> None:
    found, model = priced(spec, MemoryIndex())
    assert model.asked[0].user.count("Price: $") == 1
    assert not {"neighbours", "neighbours_alone"} & set(told(found))


def test_a_search_can_be_stopped() -> None:
    class Stopped(Silent):
        def advance(self, n: int = 1) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        priced(RagSpec(), MemoryIndex(), Stopped())
