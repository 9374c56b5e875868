"""A column of quantities: techniques learn the price of one unit, and what they say is the price of the row."""

import json

import polars as pl
import pytest

from db import datasets, jobs, predictions, results
from db.engine import begin
from db.errors import NotReady, UserError
from db.knowledge import bases, changes
from db.types import DatasetState, JobState, Split
from tests.builders import a_dataset
from tests.worker.conftest import drain
from worker import specs
from worker.datasets import actions as dataset_actions
from worker.datasets import price_bounds, quantities
from worker.ingest.item_rules import NO_QUANTITY, Rules
from worker.ingest.types import Cells
from worker.knowledge import actions as knowledge_actions
from worker.pricing import actions as pricing_actions

UNIT = {"Lamps": 40.0, "Pans": 2.5, "Toys": 0.4}
QUANTITIES = (1, 12, 500)
MODEL_FREE = ("constant", "ridge", "lightgbm", "sparse-mlp", "ensemble", "cascade")


def a_table_of_packs(rows: int = 360, *, name: str = "packs", maps_quantity: bool = True) -> int:
    """A dataset whose rows cost a fixed price per unit of their category, times their quantity; it is mapped."""
    with begin() as session:
        dataset_id = datasets.create(session, name=name, sha256="1" * 64, file_name=f"{name}.csv")
        kinds = list(UNIT)
        frame = pl.DataFrame(
            {
                "row": range(rows),
                "line": range(2, rows + 2),
                "external_id": [f"id-{i}" for i in range(rows)],
                "title": [f"{kinds[i % 3][:-1]} number {i} of our {kinds[i % 3]}" for i in range(rows)],
                "description": [f"All about {kinds[i % 3].lower()}." for i in range(rows)],
                "category": [kinds[i % 3] for i in range(rows)],
                "brand": [""] * rows,
                "quantity": [float(QUANTITIES[i // 3 % 3]) if maps_quantity else None for i in range(rows)],
                "price": [UNIT[kinds[i % 3]] * QUANTITIES[i // 3 % 3] for i in range(rows)],
                "split": ["test" if i % 10 > 7 else "validation" if i % 10 > 5 else "train" for i in range(rows)],
                "group_id": range(rows),
            },
            schema_overrides={"quantity": pl.Float64},
        )
        datasets.add_items(session, dataset_id, frame)
        counts = dict(frame["split"].value_counts().iter_rows())
        mapping = {"title": "title", "price": "price"} | ({"quantity": "pack size"} if maps_quantity else {})
        datasets.change(
            session, dataset_id, state=DatasetState.READY, rows_in=rows, items=rows, mapping=mapping,
            splits={str(side): counts.get(str(side), 0) for side in Split}, inspection={"columns": []},
        )  # fmt: skip
    return dataset_id


def spec_of(technique: str) -> specs.BaseSpec:
    members = {"members": [{"technique": "ridge"}, {"technique": "constant"}]}
    own = {"ensemble": members, "cascade": members, "sparse-mlp": {"epochs": 20, "learning_rate": 0.02}}
    return specs.parse({"technique": technique} | own.get(technique, {}))


@pytest.mark.slow
@pytest.mark.parametrize("technique", MODEL_FREE)
def test_what_is_said_is_the_price_of_the_row(technique: str, database: str, sent: list[int]) -> None:
    dataset_id = a_table_of_packs()
    [job_id] = pricing_actions.start(dataset_id, [spec_of(technique)], Split.TEST)
    drain(sent)
    with begin() as session:
        job = jobs.get(session, job_id)
        assert job.state is JobState.DONE, job.error
        lines = predictions.of_jobs(session, [job_id])
        measured = results.get(session, job_id)
    off = ((lines["price"] - lines["truth"]) / lines["truth"]).abs()
    assert len(off) == 72
    assert off.median() < 0.1  # without quantities, which no text tells, a price is off by a factor
    assert measured is not None
    assert measured["mae"] == pytest.approx((lines["price"] - lines["truth"]).abs().mean())
    inside = lines.filter(pl.col("low").is_not_null())
    held = (inside["low"] <= inside["truth"] * 1.001) & (inside["high"] >= inside["truth"] * 0.999)
    assert inside.is_empty() or held.mean() > 0.7


def test_a_language_model_is_asked_for_one_unit_within_bounds_of_units(database: str) -> None:
    dataset_id = a_table_of_packs()
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        assert str(price_bounds.of_train_side(session, dataset)) == "0.01 to 99.99"
        from worker.prompts.builtin import BUILT_IN

        asked = quantities.worded(session, BUILT_IN["listing"], dataset).template
        assert asked.endswith("Price per unit: $")
        assert "Price: $" not in asked
        plain = datasets.get(session, a_dataset(session, 20))
        assert quantities.worded(session, BUILT_IN["listing"], plain) == BUILT_IN["listing"]


def test_neighbours_are_known_by_the_price_of_one_unit(database: str) -> None:
    dataset_id = a_table_of_packs()
    with begin() as session:
        base = bases.ensure(session, dataset_id, "m")
        changes.sync(session, base)
        prices = session.connection().exec_driver_sql("SELECT DISTINCT price FROM knowledge_items ORDER BY 1")
        assert sorted({round(price, 9) for (price,) in prices}) == sorted(UNIT.values())


def test_a_table_without_quantities_is_not_priced_by_units_of_another(database: str, sent: list[int]) -> None:
    source, table = a_table_of_packs(), a_table_of_packs(name="bare", maps_quantity=False)
    with pytest.raises(NotReady, match="bare has no column of quantities"):
        pricing_actions.start(table, [specs.RidgeSpec()], source_id=source)


def test_prices_of_rows_and_of_units_turn_into_each_other_and_evidence_tells_the_quantity(database: str) -> None:
    dataset_id = a_table_of_packs()
    unit = pl.DataFrame(
        {
            "row": [3, 6],
            "price": [2.0, None],
            "low": [1.0, None],
            "high": [3.0, None],
            "evidence": ['{"answer":"2"}', None],
        }
    )
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        told = quantities.to_rows(session, dataset, dataset_id, unit)
        assert told["price"].to_list() == [24.0, None]
        assert told["high"].to_list() == [36.0, None]
        assert json.loads(told["evidence"][0]) == {"answer": "2", "quantity": 12.0}
        again = quantities.to_units(session, dataset, dataset_id, told)
        assert again["price"].to_list() == [2.0, None]
    assert "price per unit of pack size" in quantities.told(dataset)


def test_a_row_without_its_quantity_becomes_a_reject() -> None:
    rules = Rules(["name", "price", "n"], {"title": "name", "price": "price", "quantity": "n"}, ".", has_header=True)
    cells = Cells(
        pl.DataFrame({"c0": ["a", "b", "c", "d"], "c1": ["1", "2", "3", ""], "c2": ["12", "0", "", "2.5"]}),
        pl.Series([2, 3, 4, 5]).to_numpy(), str, {}, [],
    )  # fmt: skip
    batch = rules.apply(cells)
    assert quantities.NO_QUANTITY == NO_QUANTITY
    assert batch.items["quantity"].to_list() == [12.0, 2.5]
    assert batch.rejects["reason"].to_list() == [NO_QUANTITY, NO_QUANTITY]


def test_without_such_a_column_nothing_changes(database: str) -> None:
    with begin() as session:
        dataset = datasets.get(session, a_dataset(session, 30))
        assert not datasets.is_per_unit(session, dataset)
        assert datasets.items(session, dataset.id, per_unit=True).equals(datasets.items(session, dataset.id))
    assert quantities.told(dataset) == ""


def test_prices_of_units_are_joined_with_none_of_rows_and_none_of_other_units(database: str, sent: list[int]) -> None:
    packs, rows = a_table_of_packs(60), a_table_of_packs(60, name="rows", maps_quantity=False)
    pieces, kilos = (a_table_of_packs(60, name=f"in {unit}") for unit in ("pieces", "kilos"))
    with begin() as session:
        headers = {packs: "pack size", pieces: "Menge", kilos: "netWeight (kg)"}
        for number, header in headers.items():
            mapping = {"title": "title", "price": "price", "quantity": header}
            datasets.change(session, number, mapping=mapping)
    with pytest.raises(UserError, match="packs has prices per unit of pack size and rows has prices of whole rows"):
        dataset_actions.join([packs, rows])
    with pytest.raises(UserError, match=r"per unit of pack size and .* per unit of netWeight \(kg\), which is another"):
        dataset_actions.join([packs, kilos])
    with pytest.raises(UserError, match="which is another unit"):
        pricing_actions.start(kilos, [specs.ConstantSpec()], source_id=packs)
    with pytest.raises(UserError, match="has prices of whole rows"):
        knowledge_actions.add_reference(packs, rows)
    assert dataset_actions.join([packs, pieces])


@pytest.mark.parametrize(
    ("header", "unit"),
    [("pack size", ""), ("Menge", ""), ("qty", ""), ("weight_kg", "kg"), ("Gewicht in Kilogramm", "kg"),
     ("Volume (L)", "l"), ("volumeMl", "ml"), ("", "")],
)  # fmt: skip
def test_a_header_names_the_unit_of_its_quantities(header: str, unit: str, database: str) -> None:
    number = a_table_of_packs(30)
    with begin() as session:
        datasets.change(session, number, mapping={"title": "title", "quantity": header})
        assert quantities.unit_of(datasets.get(session, number)) == unit


def test_what_an_error_of_a_unit_is_times_to_be_one_of_the_row(database: str) -> None:
    packs = a_table_of_packs(30)
    with begin() as session:
        assert quantities.of_rows(session, packs, [7, 0, 3]).tolist() == [500, 1, 12]
        assert quantities.of_rows(session, a_dataset(session, 30), [7, 3]).tolist() == [1, 1]
