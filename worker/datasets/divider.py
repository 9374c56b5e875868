"""Divides the rows of a file into sides while it is loaded: at random by groups, or as a column says."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from worker.ingest import own_split, splits

SEED = 7
_EPOCH = date(1970, 1, 1)
_SIDES = pl.Enum(splits.SIDES)


class Divider:
    """Collects what each row says of its side, batch by batch, then divides all of them."""

    def __init__(self, mapping: Mapping[str, str], answers: Mapping[str, Any]) -> None:
        """mapping: field -> column of the dataset; answers: of its inspection."""
        self._by = next((field for field in ("side", "date") if field in mapping), "")
        self._test_from = answers.get("test_from")
        self._has_price: list[pl.Series] = []
        self._said: list[pl.Series] = []

    def add(self, items: pl.DataFrame) -> None:
        """Takes in a batch of items: worker.ingest.types.BATCH_ITEMS."""
        self._has_price.append(items["price"].is_not_null())
        if self._by == "side":
            self._said.append(items["side"].fill_null(""))
        elif self._by == "date":
            self._said.append(items["date"].cast(pl.Int32).cast(pl.Int64).fill_null(0))

    def divide(self, groups: npt.NDArray[np.int64]) -> tuple[pl.Series, dict[str, Any]]:
        """(n,) values of Split as an Enum, and how they came about as JSON, {} for the usual way."""
        if not self._has_price:
            return pl.Series([], dtype=_SIDES), {}
        priced = pl.concat(self._has_price).to_numpy()
        if not self._by:
            drawn = splits.draw(groups, priced, seed=SEED)
            return pl.Series(drawn.view(np.uint8)).cat.to(_SIDES), {}
        said = pl.concat(self._said).to_numpy()
        if self._by == "side":
            made = own_split.by_column(said.astype("U10"), groups, priced, SEED)
        else:
            first = (date.fromisoformat(self._test_from) - _EPOCH).days if self._test_from else None
            made = own_split.by_date(said, groups, priced, SEED, first)
        torn = own_split.torn(made.sides, groups)
        return pl.Series(made.sides).cast(_SIDES), {
            "by": self._by,
            "validation_cut": made.validation_cut,
            "validation_from": _iso(made.validation_from),
            "test_from": _iso(made.test_from),
            "torn_groups": torn.groups,
            "torn_test_rows": torn.test_rows,
        }


def _iso(day: int | None) -> str | None:
    return None if day is None else (_EPOCH + timedelta(days=day)).isoformat()
