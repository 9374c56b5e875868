"""Reads of the Rates page: dated prices as frames; small, so nothing is cached."""

import polars as pl

from db import rates
from db.engine import begin


def machines() -> pl.DataFrame:
    """db.rates.machines."""
    with begin() as session:
        return rates.machines(session)


def tokens() -> pl.DataFrame:
    """db.rates.tariffs."""
    with begin() as session:
        return rates.tariffs(session)
