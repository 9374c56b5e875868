"""Variants of one product share a group; different products, chains and giants do not."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from worker.ingest import duplicates
from worker.ingest.duplicates import Grouper


def group(*titles: str, description: str = "") -> list[int]:
    n = len(titles)
    items = pl.DataFrame({"title": titles, "description": [description] * n, "brand": [""] * n})
    return duplicates.group(items).tolist()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Apple iPhone 12 64GB", "APPLE IPHONE 12 64GB"),
        ("Apple iPhone 12, 64GB!", "Apple iPhone 12 (64GB)"),
        ("Apple iPhone 12 64GB", "iPhone 12 64GB Apple"),
        ("Nike Dry-Fit T-Shirt Red XL", "Nike Dry-Fit T-Shirt Blue M"),
        (
            "Bosch Professional cordless drill driver with two batteries",
            "Bosch Profesional cordless drill driver with two batteries",
        ),
        ("Red", "red"),
        ("", ""),
        ("灯具 台灯 办公室", "灯具 台灯 办公室"),
    ],
)
def test_nearly_the_same_title_is_one_group(first: str, second: str) -> None:
    assert group(first, second) == [0, 0]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Apple iPhone 12 64GB", "Samsung Galaxy S20 128GB"),
        ("Red", "Blue"),
        ("Wooden chair", "Wooden table"),
        ("Canon EOS 70D camera body", "Canon ink cartridge black"),
        ("", "a"),
    ],
)
def test_different_titles_are_different_groups(first: str, second: str) -> None:
    assert group(first, second) == [0, 1]


def test_groups_do_not_depend_on_batches() -> None:
    rng = np.random.default_rng(1)
    titles = [f"product number{rng.integers(40)} of kind{rng.integers(5)}" for _ in range(300)]
    frame = pl.DataFrame({"title": titles, "description": [""] * 300, "brand": [""] * 300})
    grouper = Grouper()
    for part in frame.iter_slices(37):
        grouper.add(part)
    assert grouper.groups(lambda: [frame]).tolist() == group(*titles)


def test_groups_are_numbered_by_first_appearance_and_empty_is_fine() -> None:
    found = group("Alpha lamp", "Beta chair", "alpha lamp", "Gamma rug")
    assert found == [0, 1, 0, 2]
    assert Grouper().groups(list).tolist() == []


def test_a_giant_group_is_split_by_its_whole_text() -> None:
    titles = ["T-Shirt"] * 400 + [f"Product {i * 7919} thing{i}" for i in range(400)]
    texts = [f"text {i % 100}" for i in range(400)] + [""] * 400
    items = pl.DataFrame({"title": titles, "description": texts, "brand": [""] * 800})
    grouper = Grouper()
    grouper.add(items)
    # Whole texts are asked for again, in other frames than they came in.
    sizes = np.bincount(grouper.groups(lambda: items.iter_slices(37))[:400])
    assert sizes.max() == 4
    assert len(sizes) == 100


def test_memory_is_thirty_two_bytes_an_item() -> None:
    grouper = Grouper()
    n = 1000
    grouper.add(pl.DataFrame({"title": [f"thing {i}" for i in range(n)], "description": [""] * n, "brand": [""] * n}))
    assert sum(array.nbytes for array in grouper._signatures) <= 32 * n


def test_real_catalogue_has_some_near_duplicates_and_no_giants() -> None:
    path = Path(__file__).parents[4] / "shared" / "data" / "amazon_items.csv.gz"
    if not path.exists():
        pytest.skip("the real catalogue is not on this machine")
    frame = pl.read_csv(path).with_columns(pl.col(pl.String).fill_null(""))
    sizes = np.bincount(duplicates.group(frame))
    assert 20 <= (sizes > 1).sum() <= 200
    assert sizes.max() <= 50
