"""Columns are proposed from headers in many languages and from what the cells hold."""

import pytest

from db.errors import MappingError
from worker.ingest import columns

ROWS = [
    [
        f"k{i}",
        f"Steel pan with lid {i}",
        "A heavy pan for every stove, easy to clean and made to last. " + "x" * i,
        kind,
        f"{i}.99",
    ]
    for i, kind in enumerate(["pans", "pots", "pans", "pots", "pans", "pots"] * 3)
]


@pytest.mark.parametrize("days", [[f"2024-03-{day:02}" for day in range(1, 19)], [f"{d}.3.2024" for d in range(1, 19)]])
def test_a_column_of_days_is_no_id_though_they_all_differ(days: list[str]) -> None:
    rows = [[day, *row[1:]] for day, row in zip(days, ROWS, strict=True)]
    assert "id" not in columns.propose(["Datum", "title", "text", "kind", "price"], rows).mapping


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("id title description category brand price", "id title description category brand price"),
        ("Artikelnummer Bezeichnung Beschreibung Kategorie Marke Preis", "id title description category brand price"),
        ("référence nom description catégorie marque prix", "id title description category brand price"),
        ("código nombre descripción categoría marca precio", "id title description category brand price"),
        ("codice nome descrizione categoria marca prezzo", "id title description category brand price"),
        ("indeks nazwa opis kategoria marka cena", "id title description category brand price"),
        ("codigo nome descrição categoria marca preço", "id title description category brand price"),
        ("артикул название описание категория бренд цена", "id title description category brand price"),
        ("Handle Title Body_(HTML) Product_Type Vendor Variant_Price", "id title description category brand price"),
        (
            "uniq_id product_name about_product product_category manufacturer selling_price",
            "id title description category brand price",
        ),
    ],
)
def test_headers_of_shops_are_understood(header: str, expected: str) -> None:
    names = header.split()
    rows = [[f"k{i}", f"Pan {i}", "Heavy and round", "pans", "Acme", f"{i}.99"] for i in range(1, 20)]
    assert columns.propose(names, rows).mapping == dict(zip(expected.split(), names, strict=True))


def test_without_headers_content_decides() -> None:
    names = [f"column_{i + 1}" for i in range(5)]
    assert columns.propose(names, ROWS).mapping == {
        "id": "column_1",
        "title": "column_2",
        "description": "column_3",
        "category": "column_4",
        "price": "column_5",
    }


def test_a_header_is_not_believed_against_its_content() -> None:
    rows = [[f"Pan {i}", "on request only", f"{i}.50"] for i in range(1, 20)]
    assert columns.propose(["name", "price note", "price"], rows).mapping == {"title": "name", "price": "price"}
    assert "price" not in columns.propose(["name", "price"], [["Pan", "ask"], ["Pot", "ask"]]).mapping


@pytest.mark.parametrize(
    "name", ["Price excl. shipping", "Price incl. delivery", "Preis (zzgl. Versand)", "Price ex tax"]
)
def test_what_a_price_holds_is_not_what_the_column_is(name: str) -> None:
    rows = [[f"Pan {i}", f"{i}.50", f"{i}.99"] for i in range(1, 20)]
    assert columns.propose(["name", "Alter Preis", name], rows).mapping["price"] == name
    assert "price" not in columns.propose(["name", "Shipping incl. tax"], [row[:2] for row in rows]).mapping


def test_a_count_is_no_price() -> None:
    rows = [[f"Pan {i}", str(i * 3 % 7)] for i in range(1, 20)]
    assert columns.propose(["name", "stock"], rows).mapping == {"title": "name"}


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [({}, "title"), ({"title": "x"}, "no column 'x'"), ({"title": "a", "colour": "b"}, "no field 'colour'")],
)
def test_a_wrong_mapping_is_refused_with_a_sentence(mapping: dict[str, str], sentence: str) -> None:
    with pytest.raises(MappingError, match=sentence):
        columns.check(mapping, ["a", "b"])


def test_a_title_alone_is_enough() -> None:
    columns.check({"title": "a"}, ["a", "b"])


@pytest.mark.parametrize(
    ("header", "price"),
    [
        ("Sale price|Regular price", "Regular price"),
        ("Wholesale price|Retail price", "Retail price"),
        ("Wholesale|Retail", "Retail"),
        ("Wholesale USD|Retail USD", "Retail USD"),
        ("Cost|Price", "Price"),
        ("cost price|selling price", "selling price"),
        ("Unit cost|Unit price", "Unit price"),
        ("Shipping price|Item price", "Item price"),
        ("Discount price|List price", "List price"),
        ("Discount amount|Tax amount|Amount", "Amount"),
        ("Tax|Price incl. tax", "Price incl. tax"),
        ("Old price|New price", "New price"),
        ("Was price|Now price", "Now price"),
        ("MSRP|Price", "Price"),
        ("MSRP|Our price", "Our price"),
        ("Min price|Max price|Price (USD)", "Price (USD)"),
        ("Compare At Price|Variant Price", "Variant Price"),
        ("Versandkosten|Einkaufspreis|Verkaufspreis", "Verkaufspreis"),
        ("Aktionspreis|Preis in €", "Preis in €"),
        ("Prix promotionnel|Prix TTC", "Prix TTC"),
        ("Precio oferta|Precio", "Precio"),
        ("Cena hurtowa|Cena", "Cena"),
        ("оптовая цена|розничная цена", "розничная цена"),
        ("Shipping|Sale price", "Sale price"),
        ("Wholesale price", "Wholesale price"),
    ],
)
def test_the_regular_price_comes_before_all_other_money(header: str, price: str) -> None:
    names = ["name", *header.split("|")]
    rows = [[f"Pan {i}", *(f"{i + j}.50" for j in range(len(names) - 1))] for i in range(1, 20)]
    assert columns.propose(names, rows).mapping == {"title": "name", "price": price}


@pytest.mark.parametrize("header", ["Shipping", "Shipping cost", "Tax", "VAT amount", "Discount", "Handling fee"])
def test_money_beside_the_price_is_never_taken_for_it(header: str) -> None:
    rows = [[f"Pan {i}", f"{i}.50"] for i in range(1, 20)]
    assert columns.propose(["name", header], rows).mapping == {"title": "name"}


def test_every_fit_says_why_and_the_levels_follow_from_the_confidence() -> None:
    rows = [[f"https://x.example/{i}", f"Oak lamp {i}", f"{i}.99"] for i in range(1, 20)]
    proposal = columns.propose(["product", "name", "price"], rows)
    first, *others = proposal.fits["title"]
    assert (first.column, columns.level(first.confidence)) == (1, "sure")
    assert first.why == "its header says title, texts of several words, mostly different, nearly always filled"
    address = next(fit for fit in others if fit.column == 0)
    assert (address.confidence, columns.level(address.confidence)) == (0.0, "please check")
    assert "addresses" in address.why


def test_prices_are_told_with_kind_fill_rate_and_median() -> None:
    rows = [[f"Oak lamp {i}", f"{i}.50", f"{i}.00" if i % 4 == 0 else "", f"{i}.25"] for i in range(1, 21)]
    proposal = columns.propose(["Name", "Price", "Sale price", "Price per kg"], rows)
    assert [(each["kind"], each["filled"], each["median"]) for each in proposal.prices] == [
        ("regular", 1.0, 11.0),
        ("sale", 0.25, 12.0),
        ("per unit", 1.0, 10.75),
    ]
    assert columns.about_price(proposal.prices[1]) == "'Sale price' (sale, 25 % filled, median 12)"
