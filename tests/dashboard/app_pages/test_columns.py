"""The Data page says how sure each column is, and asks for one that is not."""

from db import datasets
from db.engine import begin
from db.types import DatasetState
from tests.dashboard.app_pages.test_data import INSPECTION, an_upload, press_load
from tests.dashboard.conftest import Open, is_well, texts

WEIGHED = INSPECTION | {
    "columns": ["Name", "Purchase price", "Wholesale"],
    "preview": [["Lamp", "12.50", "9.50"]],
    "mapping": {"title": "Name", "price": "Purchase price"},
    "fits": {
        "title": [{"column": "Name", "confidence": 0.95, "level": "sure", "why": "its header says title"}],
        "price": [
            {
                "column": "Purchase price",
                "confidence": 0.49,
                "level": "please check",
                "why": "its header says cost price",
            }
        ],
    },
    "unsure": {"price": "it is not sure that 'Purchase price' holds the price: its header says cost price"},
    "prices": [
        {"column": "Purchase price", "kind": "cost", "filled": 1.0, "median": 12.5},
        {"column": "Wholesale", "kind": "wholesale", "filled": 0.2, "median": 9.5},
    ],
}


def test_a_price_that_is_not_sure_is_asked_for_with_the_kinds_side_by_side(open_page: Open) -> None:
    dataset_id = an_upload(DatasetState.INSPECTED, inspection=WEIGHED, mapping=WEIGHED["mapping"])
    at = open_page("data")
    kinds = at.dataframe[1].value
    assert kinds.iloc[0].to_list() == ["Purchase price", "cost", "100 %", "12.50"]
    assert kinds.iloc[1].to_list() == ["Wholesale", "wholesale", "20 %", "9.50"]
    assert "Sure: its header says title." in texts(at)
    assert "Please check: it is not sure that 'Purchase price' holds the price" in texts(at)
    press_load(at)
    assert "Choose the column of the price, or that the file has none." in texts(at)
    with begin() as session:
        assert datasets.get(session, dataset_id).state is DatasetState.INSPECTED
    at.selectbox(key=f"map-{dataset_id}-price").select("Wholesale")
    press_load(at)
    assert is_well(at)
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
    assert dataset.state is DatasetState.LOADING
    assert dataset.mapping == {"title": "Name", "price": "Wholesale"}
