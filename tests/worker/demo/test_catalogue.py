"""The demo catalogue follows the price process that its docstring promises, the same way each time."""

import hashlib
import math
import tomllib
from pathlib import Path

import polars as pl
import pytest

from worker import demo
from worker.demo.goods import read
from worker.demo.product import Amount
from worker.demo.shop import BRANDS, KINDS, TIERS


@pytest.fixture(scope="module")
def large() -> pl.DataFrame:
    """Enough rows that medians of parts are steady."""
    return demo.catalogue(12_000, seed=3)


def _logs(frame: pl.DataFrame) -> pl.DataFrame:
    """Log price less the category's mean: what brand, specs and condition explain."""
    known = frame.drop_nulls("price").filter(pl.col("category") != "")
    return known.with_columns(log=pl.col("price").log() - pl.col("price").log().mean().over("category"))


@pytest.mark.slow
def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    """Those of every earlier version too: who updates keeps the jobs of the demo. A new hash is a new demo dataset."""
    for name in ("a.csv", "b.csv"):
        demo.write_csv(tmp_path / name)
        written = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        assert written == "8d606ba9bebf21b7b0d803ae45256b641261f7e7e27ca11468b32d20ee25f2e7"


def test_a_field_that_nobody_knows_is_refused() -> None:
    """A typing error in a file of goods must not pass as a kind without that field."""
    with pytest.raises(TypeError, match="usal"):
        read(tomllib.loads("series = []\ncolours = []\nkinds = []\n[specs.volts]\noptions = [12]\nusal = 12"))


def test_another_seed_gives_other_products() -> None:
    assert not demo.catalogue(50, seed=1)["title"].equals(demo.catalogue(50, seed=2)["title"])


def test_counts_are_as_promised() -> None:
    shop = demo.catalogue()
    assert len(shop) == 2400
    assert shop["id"].n_unique() == 2400
    assert shop.filter(pl.col("category") != "")["category"].n_unique() >= 10
    assert shop.filter(pl.col("brand") != "")["brand"].n_unique() >= 40
    assert 0.03 < shop["price"].is_null().mean() < 0.07
    assert 0.02 < shop.select("title", "description").is_duplicated().mean() < 0.08
    assert shop["price"].min() > 0
    assert shop.select(pl.exclude("price").is_null().any()).row(0) == (False,) * 5


def test_every_tier_and_every_kind_is_sold_in_each_category() -> None:
    categories = {kind.category for kind in KINDS}
    for category in categories:
        assert {tier for tier, sells in BRANDS.values() if category in sells} == set(TIERS), category
        assert sum(kind.category == category for kind in KINDS) >= 2, category


def test_descriptions_have_40_to_120_words() -> None:
    words = demo.catalogue()["description"].str.split(" ").list.len()
    assert words.min() >= 40
    assert words.max() <= 120


def test_no_template_shows_through() -> None:
    text = demo.catalogue().select(pl.concat_str("title", "description")).to_series()
    assert not text.str.contains(r"[{}]|  | \.|\bNone\b").any()


@pytest.mark.slow
def test_brand_tiers_show_in_prices(large: pl.DataFrame) -> None:
    tiers = pl.DataFrame({"brand": list(BRANDS), "tier": [tier for tier, _ in BRANDS.values()]})
    medians = dict(_logs(large).join(tiers, on="brand").group_by("tier").agg(pl.col("log").median()).iter_rows())
    for tier, factor in TIERS.items():
        assert medians[tier] - medians["middle"] == pytest.approx(math.log(factor), abs=0.17), tier


@pytest.mark.parametrize(("words", "factor"), [("Renewed|Refurbished", 0.72), ("Used,|Pre-owned|Second-hand", 0.5)])
def test_conditions_show_in_prices(large: pl.DataFrame, words: str, factor: float) -> None:
    told = _logs(large).with_columns(match=pl.col("description").str.contains(words))
    new = told.filter(~pl.col("description").str.contains("Renewed|Refurbished|Used,|Pre-owned|Second-hand"))
    found = told.filter("match")["log"].mean() - new["log"].mean()  # type: ignore[operator]
    assert found == pytest.approx(math.log(factor), abs=0.15)


def test_a_spec_shows_in_prices(large: pl.DataFrame) -> None:
    """Portable drives: four times the capacity is 4 ** 0.75 of the price."""
    drives = _logs(large).filter(pl.col("title").str.contains("(?i)SSD|external drive"))
    capacity = drives.with_columns(
        tb=pl.col("description").str.extract(r"(?:stores|room for) ([\d.]+) ").cast(pl.Float64)
    )
    logs = dict(capacity.drop_nulls("tb").group_by("tb").agg(pl.col("log").mean()).iter_rows())
    assert logs[4.0] - logs[1.0] == pytest.approx(0.75 * math.log(4), abs=0.3)


def test_a_bigger_amount_is_never_cheaper_by_the_process() -> None:
    for kind in KINDS:
        for spec in kind.specs:
            if isinstance(spec, Amount):
                factors = [spec.factor(value) for value in sorted(map(float, spec.options))]
                assert factors == sorted(factors)
            assert all(0.2 < spec.factor(value) < 5 for value in spec.options)


def test_the_category_says_little_about_the_price(large: pl.DataFrame) -> None:
    """Else no technique could show that it reads the text."""
    within = _logs(large)["log"].var()
    whole = large.drop_nulls("price")["price"].log().var()
    assert 0.5 < within / whole < 0.95  # type: ignore[operator]
