"""A knowledge base, what it is searched with and how fresh it is."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """Which known items may be an asking item's neighbours; without any limit: all but itself."""

    same_category: bool = False  # only those of the asking item's category
    min_similarity: float = 0.0  # a cosine; 0 = no bound
    newer_than_days: int = 0  # only prices of the last days; 0 = any
    apart: bool = False  # none of the asking item's near-duplicates


NO_LIMITS = SearchLimits()


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """Priced items with vectors that belong to a dataset."""

    id: int
    dataset_id: int
    signature: str  # of the embedding model
    refreshed_at: datetime | None  # when nothing was left to embed the last time; None = never
    refresh_seconds: int | None  # how often an index job starts by itself; None = never
    created_at: datetime
    owner: str = ""  # whom it belongs to; "" = nobody, and everybody sees it


@dataclass(frozen=True, slots=True)
class PriceStats:
    """Prices of a category in dollars; count 0 and the rest None when nothing is known of it."""

    count: int
    median: float | None = None
    p25: float | None = None
    p75: float | None = None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far a knowledge base is behind: its vectors behind its items, its prices behind today."""

    items: int
    searchable: int  # have a vector, perhaps an old one
    stale_share: float  # of all items: changed since they were embedded, or never embedded
    oldest_change: datetime | None  # of a stale item
    lag_seconds: float | None  # median time from change to searchable; None before anything was embedded
    worst_lag_seconds: float | None
    median_age_days: float | None  # of the prices

    def as_json(self) -> dict[str, Any]:
        """As it is stored with a job's results."""
        return asdict(self) | {"oldest_change": self.oldest_change.isoformat() if self.oldest_change else None}
