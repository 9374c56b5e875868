"""The promises of worker.techniques.base.Technique, of every technique that there is."""

import json
import pkgutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from db.types import PREDICTION_SCHEMA, Artifact, PredictionStatus
from tests.worker.techniques.memory_index import Counting, MemoryResources, demo_items, unpriced
from tests.worker.techniques.scripted import Scripted
from worker import techniques
from worker.progress import Cancelled, Silent
from worker.specs import SPECS, BaseSpec, CombinedSpec, parse
from worker.techniques import build
from worker.techniques.base import Technique

CALLS_FUNCTIONS = "cloud:calls-functions"  # no model on this machine does: here the scripted one plays its part
SMALL = "small"  # a random model on this machine, for which an adapter is made
_LOCAL = [name for name, kind in SPECS.items() if kind.uses_llm and not kind.calls_functions]
_MARKS = dict.fromkeys(_LOCAL, pytest.mark.model) | {"tabm": pytest.mark.slow}  # the latter imports torch
NAMES = [pytest.param(name, marks=_MARKS.get(name, ())) for name in SPECS]
BASELINES = [pytest.param(name, marks=_MARKS.get(name, ())) for name, kind in SPECS.items() if not kind.uses_llm]
_SHOP = demo_items(260)
TRAIN, VALIDATION, TEST = _SHOP[:180], _SHOP[180:220], _SHOP[220:]


@cache
def _language_model(name: str) -> Any:
    if name == CALLS_FUNCTIONS:
        return Scripted()
    from tests.worker.llm.small import a_model_folder
    from worker.llm.local.model import LocalModel

    if name == SMALL:
        with tempfile.TemporaryDirectory() as folder:
            return LocalModel(str(a_model_folder(Path(folder) / name)))
    return LocalModel(name)


@cache
def _adapter(name: str) -> dict[str, bytes]:
    from tests.worker.llm.small import an_adapter

    return an_adapter(_language_model(SMALL).network.model, 1, quantiles=name == "quantiles")


def _resources() -> MemoryResources:
    return MemoryResources(_language_model, _adapter)


def _spec(name: str) -> BaseSpec:
    """Defaults, but the smallest model, short answers, the fewest trees and passes."""
    small: dict[str, object] = {"model": "smollm2-135m"} if name in _LOCAL else {}
    if SPECS[name].calls_functions:
        small = {"model": CALLS_FUNCTIONS}
    if name == "chained":
        small |= {"max_attribute_tokens": 24}
    if name == "finetuned":
        small = {"model": SMALL, "adapter": "quantiles", "k": 2}
    if name == "lightgbm":
        small = {"trees": 30, "text_dims": 16}
    if name == "tabm":
        small = {"epochs": 8, "networks": 4, "units": 32, "text_dims": 16}
    if issubclass(SPECS[name], CombinedSpec):
        small = {"members": [{"technique": "ridge"}, {"technique": "lightgbm", "trees": 30, "text_dims": 16}]}
    if name == "hidden-boosting":
        small = {"model": SMALL, "trees": 30, "text_dims": 16}
    return parse({"technique": name, **small})


@cache
def _fitted(name: str) -> tuple[MemoryResources, Artifact]:
    resources = _resources()
    return resources, build(_spec(name), resources).fit(TRAIN, VALIDATION, Silent())


def _fresh(name: str) -> Technique:
    """The technique as another process gets it: a new object that loads what was fitted."""
    resources, artifact = _fitted(name)
    technique = build(_spec(name), resources)
    technique.load(artifact)
    return technique


def _items(name: str) -> pl.DataFrame:
    return unpriced(TEST[:4] if SPECS[name].uses_llm else TEST)


def test_every_file_of_a_technique_has_a_spec_and_every_spec_its_file() -> None:
    files = {part.name for part in pkgutil.iter_modules(techniques.__path__)} - {"base", "shared"}
    modules = {kind.made_by.split(":")[0] for kind in SPECS.values()}
    assert modules == {f"{techniques.__name__}.{name}" for name in files}


@pytest.mark.parametrize("name", NAMES)
def test_one_line_per_item_in_order_with_the_exact_schema(name: str) -> None:
    items = _items(name).reverse()
    priced = _fresh(name).price(items, Silent())
    assert dict(priced.schema) == PREDICTION_SCHEMA
    assert priced["row"].to_list() == items["row"].to_list()
    assert set(priced["status"]) <= set(PredictionStatus)
    ok = priced.filter(pl.col("status") == "ok")
    assert len(ok) > 0
    assert (ok["price"] > 0).all()
    assert priced.filter(pl.col("status") != "ok")["price"].null_count() == len(priced) - len(ok)
    bounded = ok.drop_nulls(["low", "high"])
    assert (bounded["low"] <= bounded["high"]).all()


@pytest.mark.parametrize("name", NAMES)
def test_evidence_is_json_or_null(name: str) -> None:
    evidence = _fresh(name).price(_items(name), Silent())["evidence"].drop_nulls()
    assert all(json.loads(text) for text in evidence)


@pytest.mark.parametrize("name", NAMES)
def test_the_price_of_an_item_does_not_depend_on_its_neighbours_in_the_chunk(name: str) -> None:
    items = _items(name)
    together = _fresh(name).price(items, Silent())
    alone = _fresh(name).price(items[2:3], Silent())
    # A language model in half precision rounds differently in another batch.
    tolerance = 0.25 if SPECS[name].uses_llm else 1e-4
    assert alone["price"][0] == pytest.approx(together["price"][2], rel=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_fitted_prices_the_same_in_every_new_object(name: str) -> None:
    columns = ["row", "price", "low", "high", "status", "evidence"]
    first, second = (_fresh(name).price(_items(name), Silent()).select(columns) for _ in range(2))
    assert_frame_equal(first, second)


@pytest.mark.parametrize("name", NAMES)
def test_artifacts_are_named_bytes_and_never_a_pickle(name: str) -> None:
    _, artifact = _fitted(name)
    assert all(part.endswith((".json", ".safetensors", ".txt", ".parquet")) for part in artifact.parts)
    assert all(isinstance(content, bytes) and not content.startswith(b"\x80") for content in artifact.parts.values())


@pytest.mark.parametrize("name", NAMES)
def test_fitting_twice_gives_the_same_bytes(name: str) -> None:
    again = build(_spec(name), _resources()).fit(TRAIN, VALIDATION, Silent())
    assert again.parts == _fitted(name)[1].parts


@pytest.mark.parametrize("name", NAMES)
def test_the_prices_of_the_items_asked_about_are_not_looked_at(name: str) -> None:
    items = _items(name)
    lying = items.with_columns(price=pl.lit(123456.0))
    technique = _fresh(name)
    assert_frame_equal(
        technique.price(items, Silent()).select("price"), technique.price(lying, Silent()).select("price")
    )


@pytest.mark.parametrize("name", NAMES)
def test_items_without_text_or_with_an_unknown_category_are_answered(name: str) -> None:
    odd = pl.DataFrame(
        {
            "row": [9001, 9002, 9003, 9004],
            "title": ["", "???", "Ψ漢字🙂", "lamp " * 400],
            "description": ["", "", "\x00\t ", "x" * 6000],
            "category": ["", "never seen", "KITCHEN ", ""],
            "brand": ["", "nobody", "", "Ostrelle"],
            "price": [None] * 4,
        },
        schema_overrides={"price": pl.Float64},
    )
    priced = _fresh(name).price(odd, Silent())
    assert priced["row"].to_list() == odd["row"].to_list()
    assert dict(priced.schema) == PREDICTION_SCHEMA


@pytest.mark.parametrize("name", NAMES)
def test_no_items_give_no_lines(name: str) -> None:
    priced = _fresh(name).price(_items(name).clear(), Silent())
    assert dict(priced.schema) == PREDICTION_SCHEMA
    assert len(priced) == 0


@pytest.mark.parametrize("name", NAMES)
def test_progress_counts_every_item_once(name: str) -> None:
    progress = Counting()
    items = _items(name)
    _fresh(name).price(items, progress)
    assert progress.done == len(items)


@pytest.mark.parametrize("name", NAMES)
def test_work_stops_when_progress_says_so(name: str) -> None:
    technique = _fresh(name)
    with pytest.raises(Cancelled):
        technique.price(_items(name), Counting(stop_after=1))


@pytest.mark.parametrize("name", BASELINES)
def test_fitting_stops_when_progress_says_so(name: str) -> None:
    with pytest.raises(Cancelled):
        build(_spec(name), MemoryResources()).fit(TRAIN, VALIDATION, Counting(stop_after=1))


@pytest.mark.parametrize("size", [1, 2, 30])
@pytest.mark.parametrize("name", BASELINES)
def test_very_few_train_rows_and_no_validation_rows_are_enough(name: str, size: int) -> None:
    resources = MemoryResources()
    artifact = build(_spec(name), resources).fit(TRAIN[:size], VALIDATION.clear(), Silent())
    technique = build(_spec(name), resources)
    technique.load(artifact)
    priced = technique.price(unpriced(TEST[:5]), Silent())
    assert set(priced["status"]) == {"ok"}
    assert priced["price"].is_between(TRAIN["price"].min() / 10, TRAIN["price"].max() * 10).all()


@pytest.mark.parametrize("name", BASELINES)
def test_without_any_train_row_nothing_is_answered_and_nothing_breaks(name: str) -> None:
    resources = MemoryResources()
    artifact = build(_spec(name), resources).fit(TRAIN.clear(), VALIDATION.clear(), Silent())
    technique = build(_spec(name), resources)
    technique.load(artifact)
    priced = technique.price(unpriced(TEST[:3]), Silent())
    assert set(priced["status"]) == {"unparsed"}
    assert priced["price"].null_count() == 3


@pytest.mark.parametrize("name", BASELINES)
def test_train_rows_without_a_usable_price_are_left_out(name: str) -> None:
    damaged = TRAIN.with_columns(price=pl.when(pl.col("row") % 2 == 0).then(pl.col("price")))
    resources = MemoryResources()
    artifact = build(_spec(name), resources).fit(damaged, VALIDATION, Silent())
    technique = build(_spec(name), resources)
    technique.load(artifact)
    assert set(technique.price(unpriced(TEST[:5]), Silent())["status"]) == {"ok"}
