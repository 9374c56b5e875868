"""Cents, yen, euros with decimal commas and several currencies, from the file to the verdict and back to her file."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from db import datasets, jobs
from db.engine import begin
from db.errors import MappingError, UserError, WrongState
from db.types import Dataset, JobKind
from tests.builders import a_catalogue
from worker import amounts
from worker.datasets import money

Command = Callable[..., str]
CATALOGUE = a_catalogue(300).drop("row")


@pytest.fixture(autouse=True)
def _nobody_said() -> Iterator[None]:
    with amounts.written_in(amounts.money()):
        yield


def the(dataset_id: int) -> Dataset:
    with begin() as session:
        return datasets.get(session, dataset_id)


def prices(dataset_id: int) -> list[float | None]:
    with begin() as session:
        return datasets.items(session, dataset_id)["price"].to_list()


def german(price: float) -> str:
    return f"{price:,.2f}".translate(str.maketrans(",.", ".,"))


def a_file(path: Path, cells: list[str], name: str = "price", **more: list[str]) -> str:
    CATALOGUE.drop("price").with_columns(
        pl.Series(name, cells), *(pl.Series(each, values) for each, values in more.items())
    ).write_csv(path, separator=";")
    return str(path)


def test_euros_with_decimal_commas_are_told_everywhere_and_come_back_as_they_came(
    command: Command, tmp_path: Path
) -> None:
    known = [round(price * 31.07, 2) for price in CATALOGUE["price"]]
    cells = [f"{german(price)} €" if row % 5 else "" for row, price in enumerate(known)]
    file = a_file(tmp_path / "preise.csv", cells, "Preis")
    assert "Currency: EUR." in command("load", file)
    assert prices(1) == [price if row % 5 else None for row, price in enumerate(known)]
    told = command("price", "1", "--technique", "ridge", "--out", str(tmp_path / "ours.csv"))
    assert "MAE €" in told
    assert "MAE $" not in told
    ours = pl.read_csv(tmp_path / "ours.csv")
    assert set(ours["currency"]) == {"EUR"}
    command("export", str(_job(1)), str(tmp_path / "hers.csv"), "--as-uploaded")
    hers = pl.read_csv(tmp_path / "hers.csv", separator=";", infer_schema=False)
    priced = hers.filter(pl.col("Preis").fill_null("") == "")
    assert len(priced) == 60
    assert all(re.fullmatch(r"\d+,\d\d", cell) for cell in priced["price"])
    assert "€" in command("advise", "1")


@pytest.mark.slow
def test_yen_have_no_cents_and_six_digits(command: Command, tmp_path: Path) -> None:
    known = [float(round(price * 1511)) for price in CATALOGUE["price"]]
    cells = [f"¥{price:,.0f}" if row % 5 else "" for row, price in enumerate(known)]
    file = a_file(tmp_path / "yen.csv", cells)
    command("load", file)
    dataset = the(1)
    assert (dataset.currency, money.of(dataset).places) == ("JPY", 0)
    assert prices(1) == [price if row % 5 else None for row, price in enumerate(known)]
    command("price", "1", "--technique", "lightgbm")
    command("export", str(_job(1)), str(tmp_path / "hers.csv"), "--as-uploaded")
    hers = pl.read_csv(tmp_path / "hers.csv", separator=";", infer_schema=False)
    priced = hers.filter(pl.col("price").fill_null("") == "")["pricewright_price"]
    assert len(priced) == 60
    assert all(re.fullmatch(r"\d{4,6}", cell) for cell in priced)


def test_cents_keep_the_steps_that_the_data_has_and_say_no_currency_that_nobody_said(
    command: Command, tmp_path: Path
) -> None:
    known = [round(price * 0.0101, 3) for price in CATALOGUE["price"]]
    file = a_file(tmp_path / "groceries.csv", [f"{price:.3f}" for price in known])
    assert "Currency: unknown" in command("load", file, "--decimal", "point")
    assert (prices(1), the(1).currency, money.of(the(1)).places) == (known, "", 3)
    assert "$" not in command("price", "1", "--technique", "constant", "--rows", "test").splitlines()[0].split("95")[0]
    assert "Currency: GBP." in command("currency", "1", "pound")
    assert "MAE £" in command("compare", "1")
    with pytest.raises(UserError, match="is no currency"):
        command("currency", "1", "groats")


@pytest.mark.slow
def test_crowns_are_asked_about_and_a_sign_of_many_is_what_is_said(command: Command, tmp_path: Path) -> None:
    file = a_file(tmp_path / "pris.csv", [f"{price:.0f} kr" for price in CATALOGUE["price"]])
    with pytest.raises(MappingError, match="SEK, NOK, DKK or ISK"):
        command("load", file)
    command("load", file, "--currency", "NOK")
    file = a_file(tmp_path / "dollars.csv", [f"${price:.2f}" for price in CATALOGUE["price"]])
    command("load", file)
    command("load", file, "--currency", "cad")
    with begin() as session:
        assert [each.currency for each in datasets.all(session)] == ["CAD", "USD", "NOK"]


@pytest.mark.slow
def test_several_currencies_become_rejects_or_are_converted_and_never_one_number(
    command: Command, tmp_path: Path
) -> None:
    codes = ["USD" if row % 10 == 0 else "EUR" for row in range(300)]
    cells = [f"{price:.2f}" for price in CATALOGUE["price"]]
    file = a_file(tmp_path / "mixed.csv", cells, currency=codes)
    (tmp_path / "rates.csv").write_text("currency,date,rate\nUSD,2026-01-02,0.9\nUSD,2026-01-05,0.5\n")
    assert "several currencies (EUR 90 % and USD 10 %" in command("load", file)
    assert (the(1).currency, the(1).items, the(1).rejects) == ("EUR", 270, 30)
    with begin() as session:
        reasons = datasets.reasons(session, 1)["reason"]
    assert all("is in USD, and the table is in EUR" in reason for reason in reasons)
    said = json.loads(command("load", file, "--rates", str(tmp_path / "rates.csv"), "--json"))
    assert said["currency"] == {"code": "EUR", "converted": {"USD": 30}}
    assert prices(2) == [round(p * 0.5, 2) if code == "USD" else p for p, code in zip(CATALOGUE["price"], codes)]
    with begin() as session:
        items = datasets.whole_items(session, 2).filter(pl.col("original_currency") != "")
    assert items["original_price"].to_list() == CATALOGUE["price"].to_list()[::10]
    with pytest.raises(WrongState, match="were converted into EUR"):
        command("currency", "2", "USD")
    (tmp_path / "bad.csv").write_text("currency,date,rate\nUSD,yesterday,0.9\n")
    with pytest.raises(UserError, match=r"bad.csv, line 2: 'yesterday' is no date"):
        command("load", file, "--rates", str(tmp_path / "bad.csv"))


@pytest.mark.slow
def test_a_source_in_another_currency_is_refused_and_an_unknown_one_is_told(command: Command, tmp_path: Path) -> None:
    cells = [f"{price:.2f}" for price in CATALOGUE["price"]]
    command("load", a_file(tmp_path / "a.csv", cells, "price_eur"), "--name", "euros")
    command("load", a_file(tmp_path / "b.csv", cells, "price_usd"), "--name", "dollars")
    command("load", a_file(tmp_path / "c.csv", cells), "--name", "unknown")
    command("load", a_file(tmp_path / "d.csv", [""] * 300), "--name", "bare")
    with pytest.raises(UserError, match="has prices in EUR and dollars in USD"):
        command("price", "dollars", "--technique", "constant", "--learn-from", "euros")
    with pytest.raises(UserError, match="has prices in"):
        command("price", "unknown", "--technique", "constant", "--learn-from", "euros", "--learn-from", "dollars")
    told = json.loads(command("price", "unknown", "--technique", "constant", "--learn-from", "euros", "--json"))
    assert "nobody said in which currency those of unknown are" in " ".join(told["warnings"])
    command("price", "bare", "--technique", "constant", "--learn-from", "euros")
    assert [the(number).currency for number in (1, 2, 3, 4)] == ["EUR", "USD", "", ""]


@pytest.mark.slow
def test_a_table_without_prices_is_in_the_currency_of_whatever_prices_it(command: Command, tmp_path: Path) -> None:
    cells = [f"{price:.2f}" for price in CATALOGUE["price"]]
    command("load", a_file(tmp_path / "a.csv", cells, "price_eur"), "--name", "euros")
    command("load", a_file(tmp_path / "b.csv", cells, "price_usd"), "--name", "dollars")
    for name, source in (("american", "dollars"), ("european", "euros")):
        command("price", source, "--technique", "constant")
        command("use", "--job", str(_job(the_id(source))), "--as", name)
    hers = tmp_path / "new.csv"
    CATALOGUE.drop("price").write_csv(hers)
    for name in ("american", "european"):
        command("price", str(hers), "--with", name, "--out", str(tmp_path / f"{name}.csv"))
    assert (the(3).currency, "none of its own" in money.told(the(3))) == ("", True)
    with begin() as session:
        priced = {money.of_job(session, job).currency.code: job.id for job in jobs.all(session, 3, JobKind.PRICE)}
    assert set(priced) == {"EUR", "USD"}
    for code, job_id in priced.items():
        out = tmp_path / f"{code}.csv"
        command("export", str(job_id), str(out))
        assert set(pl.read_csv(out)["currency"]) == {code}
    command("currency", "3", "USD")  # somebody says it, and now it is refused
    with pytest.raises(UserError, match="has prices in"):
        command("price", "3", "--with", "european")


def the_id(name: str) -> int:
    with begin() as session:
        return datasets.find(session, name).id


def _job(dataset_id: int) -> int:
    with begin() as session:
        return jobs.all(session, dataset_id)[0].id
