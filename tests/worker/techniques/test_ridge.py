"""Ridge learns words, numbers and brands, and says which of them moved a price."""

import json

import numpy as np
import polars as pl
import pytest

from db.types import Artifact
from tests.conftest import REAL_DATA
from tests.worker.techniques.memory_index import MemoryResources, demo_items, mean_error, unpriced
from worker.progress import Silent
from worker.specs import ConstantSpec, RidgeSpec
from worker.techniques.constant import Constant
from worker.techniques.ridge import Ridge

_SHOP = demo_items(1500)
TRAIN, VALIDATION, TEST = _SHOP[:1100], _SHOP[1100:1250], _SHOP[1250:]


def _fitted(train: pl.DataFrame, validation: pl.DataFrame, **options: object) -> tuple[Ridge, Artifact]:
    spec = RidgeSpec.model_validate(options)
    artifact = Ridge(spec, MemoryResources()).fit(train, validation, Silent())
    technique = Ridge(spec, MemoryResources())
    technique.load(artifact)
    return technique, artifact


@pytest.fixture(scope="module")
def fitted() -> Ridge:
    return _fitted(TRAIN, VALIDATION)[0]


def _constant_error(train: pl.DataFrame, test: pl.DataFrame) -> float:
    constant = Constant(ConstantSpec(), MemoryResources())
    constant.fit(train, train.clear(), Silent())
    return mean_error(test, constant.price(unpriced(test), Silent()))


def test_it_is_much_better_than_the_constant_on_the_demo_catalogue(fitted: Ridge) -> None:
    assert mean_error(TEST, fitted.price(unpriced(TEST), Silent())) < 0.6 * _constant_error(TRAIN, TEST)


def test_evidence_names_words_of_the_item_and_their_factor(fitted: Ridge) -> None:
    priced = fitted.price(unpriced(TEST), Silent())
    texts = TEST.select(pl.concat_str(pl.exclude("row", "price"), separator=" ")).to_series()
    for text, line in zip(texts, priced["evidence"], strict=True):
        told = json.loads(line)
        assert 1 <= len(told) <= 3
        assert all(entry["word"] in text.lower() and entry["factor"] > 0 for entry in told)


def test_a_word_that_doubles_prices_is_told_as_evidence() -> None:
    random = np.random.default_rng(0)
    gold = random.random(400) < 0.5
    filler = [" ".join(random.choice(["red", "blue", "big", "old", "new", "soft"], 4)) for _ in gold]
    train = pl.DataFrame(
        {
            "row": np.arange(400),
            "title": [f"{text} {'golden' if flag else 'wooden'}" for text, flag in zip(filler, gold, strict=True)],
            "description": [""] * 400,
            "category": [""] * 400,
            "brand": [""] * 400,
            "price": np.where(gold, 40.0, 20.0),
        }
    )
    technique, _ = _fitted(train, train.clear())
    priced = technique.price(unpriced(train.filter(pl.Series(gold))[:1]), Silent())
    assert priced["price"][0] == pytest.approx(40, rel=0.1)


@pytest.mark.slow
def test_an_item_is_explained_alone_as_among_many_others() -> None:
    technique, _ = _fitted(TRAIN[:300], VALIDATION.clear(), max_features=2_000_000)
    together, alone = (technique.price(unpriced(items), Silent()) for items in (TRAIN[:1000], TRAIN[999:1000]))
    assert together["evidence"][-1] == alone["evidence"][0] is not None


def test_items_without_words_have_a_price_and_no_evidence(fitted: Ridge) -> None:
    silent = TEST[:2].with_columns(pl.lit("").alias(name) for name in ("title", "description", "category", "brand"))
    priced = fitted.price(unpriced(silent.with_columns(title=pl.Series(["", "a"]))), Silent())
    assert priced["price"].null_count() == 0
    assert priced["evidence"].to_list() == [None, None]


def test_a_sample_of_the_rows_is_enough_when_there_are_too_many() -> None:
    technique, _ = _fitted(TRAIN, VALIDATION, max_rows=300)
    assert mean_error(TEST, technique.price(unpriced(TEST), Silent())) < 0.9 * _constant_error(TRAIN, TEST)


@pytest.mark.slow
@pytest.mark.skipif(not REAL_DATA.exists(), reason="the real data folder is not here")
def test_on_real_products_it_is_a_quarter_better_than_the_constant() -> None:
    items = (
        pl.read_csv(REAL_DATA / "amazon_items.csv.gz")
        .with_columns(pl.col("title", "description", "category", "brand").fill_null(""))
        .sample(fraction=1, shuffle=True, seed=1)
        .with_row_index("row")
        .select(pl.col("row").cast(pl.Int64), "title", "description", "category", "brand", "price")
    )
    train, validation, test = items[:3045], items[3045:3453], items[3453:]
    technique, artifact = _fitted(train, validation)
    assert mean_error(test, technique.price(unpriced(test), Silent())) < 0.78 * _constant_error(train, test)
    assert sum(map(len, artifact.parts.values())) < 10_000_000
