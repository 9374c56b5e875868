"""The currency of a table's prices on the Data page: proposed, confirmed, and the table of rates for others."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.parts.data import reads as data_reads
from dashboard.shared import pickers, words
from db.types import Dataset
from worker.amounts import currencies
from worker.datasets import money
from worker.datasets import rates as rate_tables
from worker.datasets.answers import look_of_currency, proposed_currency

_ASKED = "?"  # nothing is chosen yet, and something has to be


def ask(dataset: Dataset, mapping: Mapping[str, str]) -> tuple[str | None, Any]:
    """The code that a person confirms, "" = unknown, None = no answer yet; and the file of rates, if one is given."""
    look = look_of_currency(dataset.inspection, mapping)
    if doubt := money.doubt(dataset.inspection, mapping):
        st.warning(words.plain(doubt), icon=":material/help:")
    is_mixed = money.mixed(dataset.inspection, mapping)
    if is_mixed:
        st.warning(words.plain(is_mixed), icon=":material/currency_exchange:")
    usual = data_reads.usual_currency(dataset)
    proposed = proposed_currency(look, usual)
    first = _ASKED if proposed is None else proposed
    about = f"Proposed by {look['source']}." if look else "Neither the prices nor their header say it."
    key = f"currency-{dataset.id}-{mapping.get('price', '')}-{mapping.get('currency', '')}"
    likely = (look["code"], *look["others"]) if look else ()
    code = choice("Currency of the prices", first, key=key, likely=likely, about=about, asks=proposed is None)
    file = None
    with st.expander("Prices in other currencies?", expanded=bool(is_mixed)):
        st.caption(f"A table of rates converts them: {rate_tables.ABOUT} Without one those rows become rejects.")
        file = st.file_uploader("Table of rates", type=["csv"], key=f"rates-{dataset.id}")
    return code, file


def rates(file: Any) -> tuple[tuple[str, str, float], ...]:
    """What a file of rates says. Raises UserError."""
    return () if file is None else rate_tables.read(file.getvalue(), file.name)


def choice(
    label: str, first: str, *, key: str, likely: tuple[str, ...] = (), about: str = "", asks: bool = False
) -> str | None:
    """A currency chosen by a person: its code, "" = unknown, None = not chosen yet; likely ones stand first."""
    codes = dict.fromkeys([*likely, *currencies.CURRENCIES])
    names = {"": "unknown: no sign is written"} | {code: _named(code) for code in codes}
    if asks:
        names = {_ASKED: "(choose)"} | names
    chosen = pickers.one(label, names, first=first, key=key, help=about or None)
    return None if chosen == _ASKED else chosen


def _named(code: str) -> str:
    currency = currencies.of(code)
    return f"{code} · {currency.name}" + (f" ({currency.sign})" if currency.sign else "")
