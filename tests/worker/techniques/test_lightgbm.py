"""Trees learn from text, category and brand, and stop in time."""

import json

import numpy as np
import polars as pl
import pytest

from db.types import Artifact
from tests.worker.techniques.memory_index import MemoryResources, demo_items, mean_error, unpriced
from worker.progress import Silent
from worker.specs import ConstantSpec, LightGBMSpec
from worker.techniques.constant import Constant
from worker.techniques.lightgbm import LightGBM

_SHOP = demo_items(1200)
TRAIN, VALIDATION, TEST = _SHOP[:900], _SHOP[900:1050], _SHOP[1050:]
_SMALL: dict[str, object] = {"trees": 150, "learning_rate": 0.1, "text_dims": 32}


def _fitted(train: pl.DataFrame, validation: pl.DataFrame, **options: object) -> tuple[LightGBM, Artifact]:
    resources = MemoryResources()
    spec = LightGBMSpec.model_validate({**_SMALL, **options})
    artifact = LightGBM(spec, resources).fit(train, validation, Silent())
    technique = LightGBM(spec, resources)
    technique.load(artifact)
    return technique, artifact


@pytest.fixture(scope="module")
def fitted() -> tuple[LightGBM, Artifact]:
    return _fitted(TRAIN, VALIDATION)


def test_it_is_much_better_than_the_constant_on_the_demo_catalogue(fitted: tuple[LightGBM, Artifact]) -> None:
    constant = Constant(ConstantSpec(), MemoryResources())
    constant.fit(TRAIN, VALIDATION, Silent())
    plain = mean_error(TEST, constant.price(unpriced(TEST), Silent()))
    assert mean_error(TEST, fitted[0].price(unpriced(TEST), Silent())) < 0.65 * plain


def test_sentence_embeddings_are_not_asked_for_when_switched_off() -> None:
    class NoIndex(MemoryResources):
        def index(self) -> object:  # type: ignore[override]
            raise AssertionError("embeddings were switched off")

    technique = LightGBM(LightGBMSpec.model_validate({**_SMALL, "embeddings": False, "trees": 20}), NoIndex())  # type: ignore[arg-type]
    technique.fit(TRAIN[:200], VALIDATION, Silent())
    assert technique.price(unpriced(TEST[:5]), Silent())["price"].null_count() == 0


def test_it_stops_when_more_trees_do_not_help(fitted: tuple[LightGBM, Artifact]) -> None:
    random = np.random.default_rng(0)
    few = TRAIN[:300]
    noise = few.with_columns(price=pl.Series(np.exp(random.normal(3, 1, len(few)))))
    _, artifact = _fitted(noise, VALIDATION.with_columns(price=pl.lit(20.0)), trees=2000)
    assert artifact.parts["trees.txt"].count(b"Tree=") < 200


def test_the_artifact_is_text_json_and_safetensors_and_small(fitted: tuple[LightGBM, Artifact]) -> None:
    parts = fitted[1].parts
    assert set(parts) == {"about.json", "trees.txt", "words.safetensors"}
    assert parts["trees.txt"].startswith(b"tree")
    assert set(json.loads(parts["about.json"])["means"]) == {"category", "brand"}
    assert sum(map(len, parts.values())) < 20_000_000
