"""`pricewright use`, `pricewright pricers …` and `price FILE --with NAME`: decided once, used on every file."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from db.errors import NotFound, NotReady, UserError
from tests.builders import a_catalogue

Command = Callable[..., str]
LEFT, RIGHT = ("title", "description", "category", "brand", "price"), ("brand", "category", "title", "description")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A catalogue with prices, and a new table: no prices, other column order, two categories that are new."""
    old, new = tmp_path / "products.csv", tmp_path / "new.csv"
    a_catalogue(400).select(LEFT).write_csv(old)
    table = a_catalogue(60, seed=2).with_columns(title=pl.format("{} of the new season", "title"))
    table = table.with_columns(
        category=pl.when(pl.col("row") < 3)
        .then(pl.lit("Boats"))
        .when(pl.col("row") < 5)
        .then(pl.lit("Kites"))
        .otherwise("category")
    )
    table.select(RIGHT).write_csv(new)
    return old, new


@pytest.fixture
def decided(command: Command, files: tuple[Path, Path]) -> int:
    """The number of a saved verdict on the catalogue."""
    command("price", str(files[0]), "--technique", "constant", "--technique", "ridge", "--rows", "test")
    return json.loads(command("compare", "1", "--save", "--json"))["saved"][0]


@pytest.mark.slow
def test_a_verdict_put_to_use_prices_her_next_file(
    command: Command, files: tuple[Path, Path], decided: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = command("use", str(decided), "--as", "monthly", "--who", "Ann")
    assert "Pricer monthly, version 1, is in use." in said
    assert "pricewright price FILE --with monthly" in said
    _, new = files
    out = tmp_path / "priced.csv"
    said = command("price", str(new), "--with", "monthly", "--out", str(out))
    assert "priced by monthly, version 1; its rows: " in said
    hers, after = new.read_bytes().splitlines(), out.read_bytes().splitlines()
    assert len(hers) == len(after)
    assert all(now.startswith(line + b",") for line, now in zip(hers, after, strict=True))
    frame = pl.read_csv(out)
    assert frame["price"].null_count() == 0
    monkeypatch.chdir(tmp_path)
    again = json.loads(command("price", str(new), "--with", "monthly", "--json"))
    assert (again["pricer"], again["version"], again["written"]) == ("monthly", 1, "new-priced.csv")
    assert (tmp_path / "new-priced.csv").read_bytes() == out.read_bytes()


@pytest.mark.slow
def test_a_second_version_waits_is_used_and_rolled_back(command: Command, decided: int) -> None:
    command("use", str(decided), "--as", "monthly")
    assert "version 2, is candidate" in command("use", "--job", "3", "--as", "monthly", "--why", "cheap")
    assert "Version 2 of monthly is in use." in command("pricers", "use", "monthly", "2", "--why", "try it")
    assert "Version 1 of monthly is in use." in command("pricers", "rollback", "monthly", "--why", "worse")
    told = json.loads(command("pricers", "show", "monthly", "--json"))
    assert [(each["version"], each["state"]) for each in told["versions"]] == [(2, "retired"), (1, "in use")]
    assert len(told["history"]) == 7
    with pytest.raises(UserError, match="is in use; retire it first"):
        command("delete", "pricer", "1", "--yes")
    with pytest.raises(UserError, match="can't be deleted: pricer monthly, version 1; monthly, version 2 rests on it"):
        command("delete", "dataset", "1", "--yes")


@pytest.mark.slow
def test_what_can_not_be_is_told_in_a_sentence(command: Command, files: tuple[Path, Path], decided: int) -> None:
    with pytest.raises(NotFound, match="There is no pricer monthly; there is none yet"):
        command("price", str(files[1]), "--with", "monthly")
    with pytest.raises(UserError, match="--with takes all from the pricer"):
        command("price", str(files[1]), "--with", "monthly", "--technique", "ridge")
    command("use", str(decided), "--as", "monthly")
    command("pricers", "retire", "monthly", "1", "--why", "over")
    with pytest.raises(NotReady, match="No version of pricer monthly is in use"):
        command("price", str(files[1]), "--with", "monthly")
    command("pricers", "use", "monthly", "1", "--why", "again")
    with pytest.raises(UserError, match="choose a name that ends in"):
        command("price", str(files[1]), "--with", "monthly", "--out", str(files[1].with_suffix(".xlsx")))
