"""The profile of a table: how much is missing, what things cost, how long the texts are."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from db import datasets
from db.engine import Session

_BINS_PER_DECADE = 100
_LOW, _HIGH = -4, 9  # decades of prices
_SHOWN_BINS = 40
_MOST_VALUES = 50_000
_TOP = 20
_MOST_NOTES = 200
_LONGEST_REASON = 200
_MOST_PLACES = 4  # digits behind the point of a price
_QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_TEXTS = ("title", "description")
_NAMES = ("category", "brand")


class Profiler:
    """Makes a profile batch by batch. Memory is bounded: prices and lengths are kept as fine histograms, names up to
    50,000."""

    def __init__(self) -> None:
        self._items = 0
        self._missing: Counter[str] = Counter()
        self._prices = np.zeros((_HIGH - _LOW) * _BINS_PER_DECADE, dtype=np.int64)
        self._price_range = (float("inf"), 0.0)
        self._lengths: dict[str, Counter[int]] = {field: Counter() for field in _TEXTS}
        self._names: dict[str, Counter[str]] = {field: Counter() for field in _NAMES}
        self._is_cut = dict.fromkeys(_NAMES, False)
        self._reasons: Counter[str] = Counter()
        self._converted: Counter[str] = Counter()
        self._notes: Counter[tuple[str, str]] = Counter()
        self._finer = np.zeros(_MOST_PLACES, dtype=np.int64)  # prices that so many digits behind the point don't hold

    def add(
        self, items: pl.DataFrame, rejects: pl.DataFrame, notes: Mapping[tuple[str, str], int] = MappingProxyType({})
    ) -> None:
        """Some lines of the table. items: line, the texts (never null), price; rejects: reason, count; notes: of its
        price cells (worker.ingest.price_column)."""
        for note, cells in notes.items():
            if note in self._notes or len(self._notes) < _MOST_NOTES:
                self._notes[note] += cells
            else:
                self._notes[note[0], "others"] += cells
        self._items += len(items)
        for name in items.columns:
            if name not in ("line", "original_price", "original_currency"):
                column = items[name]
                self._missing[name] += int(
                    (column.fill_null("") == "").sum() if column.dtype == pl.String else column.is_null().sum()
                )
        prices = items["price"].drop_nulls().to_numpy()
        if len(prices):
            place = ((np.log10(prices) - _LOW) * _BINS_PER_DECADE).astype(np.int64)
            self._prices += np.bincount(np.clip(place, 0, len(self._prices) - 1), minlength=len(self._prices))
            low, high = self._price_range
            self._price_range = (min(low, float(prices.min())), max(high, float(prices.max())))
            for places in range(_MOST_PLACES):
                self._finer[places] += np.count_nonzero(~np.isclose(prices.round(places), prices, rtol=1e-9, atol=0))
        if "original_currency" in items.columns:
            codes = items["original_currency"].value_counts()
            self._converted.update({code: count for code, count in codes.iter_rows() if code})
        for field in _TEXTS:
            counts = items[field].str.len_chars().value_counts()
            self._lengths[field].update(dict(counts.iter_rows()))
        for field in _NAMES:
            self._count_names(field, items[field])
        for reason, count in rejects.group_by("reason").agg(pl.col("count").sum()).iter_rows():
            self._reasons[_kind_of_reason(reason)] += count

    def _count_names(self, field: str, column: pl.Series) -> None:
        counts = column.filter(column != "").value_counts()
        names = self._names[field]
        names.update(dict(counts.iter_rows()))
        if len(names) > 2 * _MOST_VALUES:  # an id in the wrong place; the frequent ones are what is shown
            self._names[field] = Counter(dict(names.most_common(_MOST_VALUES)))
            self._is_cut[field] = True

    def result(self, groups: npt.NDArray[np.int64]) -> dict[str, Any]:
        """The profile as JSON. `groups` are the group ids of all items.

        Prices and lengths are exact at both ends; quantiles of prices between are within 2.4 % (a bin's width).
        """
        rejects = self._reasons.total()
        sizes = np.bincount(groups - groups.min()) if len(groups) else np.empty(0, dtype=np.int64)
        return {
            "rows": self._items + rejects,
            "items": self._items,
            "rejects": rejects,
            "missing": {name: self._missing[name] for name in self._missing},
            "price": self._price_part() | {"notes": self._notes_part()},
            "lengths": {field: _quantiles(counts) for field, counts in self._lengths.items()},
            "categories": self._names_part("category"),
            "brands": self._names_part("brand"),
            "duplicates": {
                "groups": int((sizes > 1).sum()),
                "items": int(sizes[sizes > 1].sum()),
                "largest": int(sizes.max(initial=0)),
            },
            "reasons": dict(self._reasons.most_common(50)),
        }

    def _price_part(self) -> dict[str, Any]:
        count = int(self._prices.sum())
        if not count:
            return {"count": 0, "quantiles": {}, "histogram": {"edges": [], "counts": []}}
        low, high = self._price_range
        rank = np.cumsum(self._prices)
        quantiles = {}
        for q in _QUANTILES:
            place = int(np.searchsorted(rank, max(1, np.ceil(q * count))))
            value = 10 ** ((place + 0.5) / _BINS_PER_DECADE + _LOW)
            quantiles[str(q)] = low if q == 0 else high if q == 1 else round(min(max(value, low), high), 4)
        filled = np.flatnonzero(self._prices)
        first, last = int(filled[0]), int(filled[-1]) + 1
        step = max(1, -(-(last - first) // _SHOWN_BINS))
        starts = range(first, last, step)
        edges = [10 ** (start / _BINS_PER_DECADE + _LOW) for start in [*starts, starts[-1] + step]]
        counts = [int(self._prices[start : start + step].sum()) for start in starts]
        return {
            "count": count,
            # Digits behind the point that all but one in a hundred prices make do with.
            "places": next((n for n, finer in enumerate(self._finer) if finer <= 0.01 * count), _MOST_PLACES),
            "converted": dict(self._converted.most_common()),
            "quantiles": quantiles,
            "histogram": {"edges": [float(f"{edge:.6g}") for edge in edges], "counts": counts},
        }

    def _notes_part(self) -> dict[str, dict[str, int]]:
        kinds = dict.fromkeys(kind for kind, _ in self._notes)
        return {kind: {text: n for (each, text), n in self._notes.most_common() if each == kind} for kind in kinds}

    def _names_part(self, field: str) -> dict[str, Any]:
        names = self._names[field]
        return {
            "distinct": len(names),
            "is_cut": self._is_cut[field],  # more than can be counted; `distinct` is then a lower bound
            "top": [{"name": name[:200], "items": items} for name, items in names.most_common(_TOP)],
        }


def profile_of(session: Session, dataset_id: int) -> dict[str, Any]:
    """The profile of a dataset's items and rejects as they are stored."""
    items = datasets.items(session, dataset_id, details=True)
    profiler = Profiler()
    profiler.add(items.drop("row", "split", "group_id"), datasets.rejects(session, dataset_id))
    return profiler.result(items["group_id"].to_numpy())


def _quantiles(counts: Counter[int]) -> dict[str, int]:
    """Exact quantiles, from value -> count."""
    if not counts:
        return {}
    values = np.array(sorted(counts))
    rank = np.cumsum([counts[int(value)] for value in values])
    return {str(q): int(values[np.searchsorted(rank, max(1, np.ceil(q * rank[-1])))]) for q in _QUANTILES}


def _kind_of_reason(reason: str) -> str:
    """A reason without the cell that it quotes, so that a thousand bad prices are one line."""
    start, end = reason.find("'"), reason.rfind("'")
    return (reason[:start].rstrip() + reason[end + 1 :] if 0 <= start < end else reason)[:_LONGEST_REASON]
