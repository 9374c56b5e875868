"""Reads of the Endpoints page: what was paid so far."""

import polars as pl

from db import completions as _completions
from db.engine import begin


def spent() -> pl.DataFrame:
    """calls, tokens_in, tokens_cached, tokens_out, usd (null: partly unknown), in_flight per endpoint and model."""
    with begin() as session:
        return _completions.totals(session)
