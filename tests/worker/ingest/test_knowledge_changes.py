"""A file of changes is understood by its headers alone, and read cell by cell as it means."""

import pytest

from db.errors import MappingError, UnreadableFile
from tests.worker.ingest.cases.base import workbook
from worker.ingest import knowledge_changes
from worker.progress import Silent


@pytest.mark.parametrize(
    ("columns", "known", "expected"),
    [
        (["id", "price"], {}, {"id": "id", "price": "price"}),
        (["SKU", "Neu", "Delete"], {"price": "Neu"}, {"id": "SKU", "price": "Neu", "remove": "Delete"}),
        (["asin", "price", "date"], {"id": "asin"}, {"id": "asin", "price": "price", "priced_at": "date"}),
        (["whatever"], {}, {"id": "whatever"}),
        (["code", "title", "colour"], {"title": "name"}, {"id": "code", "title": "title"}),
    ],
)  # fmt: skip
def test_columns_are_known_by_their_names(columns, known, expected) -> None:
    assert knowledge_changes.understand(columns, known) == expected


def test_a_file_without_ids_is_refused() -> None:
    with pytest.raises(MappingError, match="no column with the items' ids"):
        knowledge_changes.understand(["title", "price"], {})


def read(tmp_path, text: str, **options) -> list[dict]:
    path = tmp_path / "changes.csv"
    path.write_text(text, encoding="utf-8")
    return [
        line
        for batch in knowledge_changes.batches(path, path.name, {}, Silent(), **options)
        for line in batch.frame.iter_rows(named=True)
    ]


def test_cells_say_what_changes_and_empty_ones_nothing(tmp_path) -> None:
    lines = read(
        tmp_path,
        "id;title;price;date;remove\n"
        "a;Lámpara;1.234,50 €;2024-03-01;\n"
        "b;;;01.02.2023;no\n"
        "c;Chair;free;;\n"
        "d;Desk;12,00;next week;\n"
        "e;;rubbish;;yes\n",
        currency="EUR",
    )
    assert [line["key"] for line in lines] == list("abcde")
    assert (lines[0]["title"], lines[0]["price"], lines[0]["priced_at"]) == (
        "Lámpara",
        1234.5,
        "2024-03-01T00:00:00+00:00",
    )
    assert (lines[1]["title"], lines[1]["price"], lines[1]["remove"]) == (None, None, False)
    assert lines[1]["priced_at"] == "2023-02-01T00:00:00+00:00"
    assert lines[2]["reason"]
    assert lines[3]["reason"] == "its date can't be read"
    assert (lines[4]["remove"], lines[4]["reason"]) == (True, None)


def test_prices_in_another_currency_are_refused_or_asked_about(tmp_path) -> None:
    euros = "id;price\na;12 €\nb;13 €\n"
    with pytest.raises(MappingError, match="has prices in EUR, and things has them in USD: convert"):
        read(tmp_path, euros, currency="USD", whose="things")
    with pytest.raises(MappingError, match="in EUR, and nobody said in which currency those of things are"):
        read(tmp_path, euros, whose="things")
    with pytest.raises(MappingError, match="has prices in EUR"):
        read(tmp_path, "id;price (EUR)\na;12\nb;13\n", currency="USD")
    assert [line["price"] for line in read(tmp_path, euros, currency="EUR")] == [12, 13]
    assert [line["price"] for line in read(tmp_path, "id;price\na;$12\n", currency="CAD")] == [12]
    assert [line["reason"] for line in read(tmp_path, "id;price\na;12 €\nb;$13\nc;14\n", currency="USD")] == [
        "price '12 €' is in EUR, and the table is in USD",
        None,
        None,
    ]
    assert len(read(tmp_path, euros, currency="USD", removes=True)) == 2  # prices say nothing about what goes


def test_a_list_of_ids_without_more_can_remove(tmp_path) -> None:
    assert [(line["key"], line["remove"]) for line in read(tmp_path, "id\nx-1\nx-2\n", removes=True)] == [
        ("x-1", True),
        ("x-2", True),
    ]


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2024-01-05 10:11", "2024-01-05T10:11:00+00:00"),
        ("2024-01-05T10:11:12Z", "2024-01-05T10:11:12+00:00"),
        ("2024-01-05T10:11:12.5+02:00", "2024-01-05T08:11:12+00:00"),
        ("01/31/2024", "2024-01-31T00:00:00+00:00"),
    ],
)
def test_dates_are_read_in_several_spellings(tmp_path, cell, moment) -> None:
    assert read(tmp_path, f"id,title,date\na,Lamp,{cell}\nb,Chair,2024-01-01\n")[0]["priced_at"] == moment


def test_prices_with_two_readings_follow_the_file_then_the_dataset_and_are_else_refused(tmp_path) -> None:
    open_prices = "id;price\na;1.294\nb;19.990\n"
    assert [line["price"] for line in read(tmp_path, open_prices, usual=".")] == [1.294, 19.99]
    assert [line["price"] for line in read(tmp_path, open_prices, usual=",")] == [1294, 19990]
    assert [line["price"] for line in read(tmp_path, open_prices + "c;7,5\n", usual=".")] == [1294, 19990, 7.5]
    assert [line["price"] for line in read(tmp_path, open_prices, said=".", usual=",")] == [1.294, 19.99]
    for line in read(tmp_path, open_prices):
        assert line["price"] is None
        assert "can be read in two ways" in line["reason"]


def test_numbers_of_a_workbook_are_taken_as_they_are(tmp_path) -> None:
    path = tmp_path / "changes.xlsx"
    path.write_bytes(workbook(("P", [["id", "price"], ["a", 12.125], ["b", 1.294]])))
    batches = knowledge_changes.batches(path, path.name, {}, Silent(), usual=",")
    assert [price for batch in batches for price in batch.frame["price"]] == [12.125, 1.294]


def test_changes_wider_than_their_header_are_refused(tmp_path) -> None:
    with pytest.raises(UnreadableFile, match="line 2 is read as id = a, price = 19,50"):
        read(tmp_path, "id,price\na,19,50\nb,12,25\n")


def test_another_price_than_the_datasets_own_is_no_price() -> None:
    assert knowledge_changes.understand(["id", "Wholesale price", "Shipping"], {}) == {"id": "id"}
    assert knowledge_changes.understand(["id", "Cost"], {"price": "Cost"}) == {"id": "id", "price": "Cost"}
