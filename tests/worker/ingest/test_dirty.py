"""Whatever the dialect and the noise of a product table: no cell is wrong without a word before loading."""

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worker.ingest.dirty import dialects, noises
from tests.worker.ingest.dirty.dialects import CHOICES
from tests.worker.ingest.dirty.judgement import Wrong, cluster, is_told, judge, make

CLEAN = {
    "kind": "csv",
    "delimiter": ",",
    "quoting": "minimal",
    "quote": '"',
    "escape": "",
    "newline": "\n",
    "encoding": "utf-8",
    "gzip": False,
    "language": "en",
    "decimal": ".",
    "thousands": "",
    "currency": "EUR",
    "marked": "after",
    "typed": True,
    "header": True,
    "order": "usual",
    "columns": "all",
    "extra": 0,
}

any_dialect = st.builds(dialects.settled, **{name: st.sampled_from(each) for name, each in CHOICES.items()})


@pytest.mark.slow
@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    dialect=any_dialect,
    names=st.lists(st.sampled_from(sorted(noises.NOISES)), max_size=3, unique=True),
    rows=st.integers(1, 12),
    seed=st.integers(0, 1 << 20),
)
def test_no_cell_is_wrong_in_silence(dialect, names, rows, seed) -> None:
    data, draft, added = make(dialect, tuple(names), rows, seed)
    verdict = judge(data, draft)
    assert not verdict.silent, f"{added} in {data[:2000]!r}: {[str(each) for each in verdict.silent[:5]]}"


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_a_clean_table_is_loaded_whole(kind) -> None:
    data, draft, _ = make(dialects.settled(**CLEAN | {"kind": kind}), (), 12, 1)
    verdict = judge(data, draft)
    assert verdict.is_whole
    assert verdict.stored == 12
    assert not verdict.left_out


@pytest.mark.parametrize("field", ["id", "title", "description", "category", "brand", "price"])
def test_one_wrong_cell_is_found(field) -> None:
    data, draft, _ = make(dialects.settled(**CLEAN), (), 9, 2)
    product = draft.goods[4].product
    setattr(product, field, product.price + 0.01 if field == "price" else "something else")
    verdict = judge(data, draft)
    assert [(each.line, each.field) for each in verdict.silent] == [(6, field)]
    assert not verdict.is_whole


def test_a_row_that_is_no_product_and_one_that_is_lost_are_found() -> None:
    data, draft, _ = make(dialects.settled(**CLEAN), (), 9, 3)
    draft.records[4].line = 40  # what stands on line 5 is then no product, and that of line 40 is nowhere
    verdict = judge(data, draft)
    assert {(each.line, each.field) for each in verdict.silent} == {(5, "row"), (40, "row")}
    assert verdict.lost == 1


def test_a_price_in_another_currency_is_wrong() -> None:
    data, draft, _ = make(dialects.settled(**CLEAN), (), 5, 4)
    draft.goods[0].product.currency = "USD"
    assert [each.field for each in judge(data, draft).silent] == ["price"]


def test_what_is_asked_is_answered_with_the_truth() -> None:
    thousands = CLEAN | {"marked": "", "decimal": ","}
    data, draft, added = make(dialects.settled(**thousands), ("thousands only",), 6, 5)
    verdict = judge(data, draft)
    assert added == ("thousands only",)
    assert verdict.outcome == "asked"
    assert verdict.stored == 6
    assert not verdict.wrong


def test_lines_are_those_of_the_file() -> None:
    dialect = dialects.settled(**CLEAN | {"newline": "\r\n", "quoting": "all"})
    names = ("line ends in cells", "blank lines", "a preamble")
    data, draft, added = make(dialect, names, 8, 6)
    assert set(added) == set(names)
    lines = data.decode().split("\r\n")
    for record in draft.goods:
        assert record.product.id in lines[record.line - 1]


@pytest.mark.parametrize(
    ("sentence", "field", "is_mapping", "told"),
    [
        ("Line 7 has a price of another sign.", "price", False, True),
        ("Line 8 is odd.", "price", False, False),
        ("The text is not UTF-8 and is read as cp1252; choose another.", "title", False, True),
        ("The text is not UTF-8 and is read as cp1252; choose another.", "price", False, False),
        ("'Cost' is taken for the price; 'Price' is a price too.", "price", True, True),
        ("'Cost' is taken for the price; 'Price' is a price too.", "price", False, False),
        ("1 line before the table is skipped; it is no row.", "row", False, False),
        ("3 of the first 9 rows have another number of cells than 4 and will be rejects.", "title", False, False),
    ],
)
def test_a_sentence_excuses_what_it_is_about(sentence, field, is_mapping, told) -> None:
    assert is_told(Wrong(7, field, "Café", "CafÃ", is_mapping), [sentence]) is told


@pytest.mark.parametrize(
    ("truth", "loaded", "told"),
    [
        ("Café lamp", "Cafй lamp", True),
        ("Desk lamp", "Desk", False),
        ("Café lamp, red", "Café lamp", False),
        ("ランプ C9", "ƒ‰ƒ“ƒv C9", True),
    ],
)
def test_a_sentence_on_the_encoding_excuses_letters_beyond_ascii_alone(truth, loaded, told) -> None:
    sentence = "The text is not UTF-8 and is read as cp1252; choose another encoding."
    assert is_told(Wrong(7, "title", truth, loaded, False), [sentence]) is told


@pytest.mark.parametrize(
    ("sentence", "lines"),
    [
        ("Line 4 and line 7 have one filled cell.", {4, 7}),
        ("2 prices (lines 3, 5 and 7) are read so.", {3, 5, 7}),
        ("What stands on lines 6 to 8 has no price.", {6, 7, 8}),
        ("Prices on lines 3, 5 and 7 more are odd.", {3, 5}),
    ],
)
def test_a_sentence_tells_of_each_line_that_it_names(sentence, lines) -> None:
    assert {line for line in range(20) if is_told(Wrong(line, "title", "a", "b", False), [sentence])} == lines


def test_sentences_of_one_kind_are_one_cluster() -> None:
    first = "price '1'234 €' is not a number", "Say which sign: with a point '1.234' is 1.234 in 'Price'"
    second = "price 'call us' is not a number", "Say which sign: with a point '7.500' is 7.5 in 'Preis \"neu\"'"
    assert [cluster(each) for each in first] == [cluster(each) for each in second]


@pytest.mark.parametrize("name", sorted(noises.NOISES))
def test_every_noise_can_be_made_and_a_seed_makes_the_same_again(name) -> None:
    for seed in range(200):
        dialect = replace(dialects.draw(random.Random(seed)), gzip=False)
        data, _, added = make(dialect, (name,), 6, seed)
        if added:
            assert dialect.kind == "xlsx" or make(dialect, (name,), 6, seed)[0] == data  # a workbook has its time in it
            return
    pytest.fail("no table had this noise")
