"""A dataset's knowledge base: its items embedded, and searched for those who ask."""

import hashlib
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from db import query_vectors
from db.engine import begin
from db.errors import NotReady
from db.knowledge import bases, changes, search
from db.types import FOUND_SCHEMA, NO_LIMITS, Freshness, KnowledgeBase, PriceStats, SearchLimits
from worker.progress import Progress, Silent
from worker.techniques.base import Embedder

BATCH = 256  # items embedded between two commits: what a crash loses


@cache
def embedder() -> Embedder:
    """The sentence embedding model of this process."""
    from worker.llm.embedding import MiniLM

    return MiniLM()


def texts_of(items: pl.DataFrame) -> list[str]:
    """What is embedded of items; db.knowledge.bases.TEXT says the same of known ones."""
    return items.select(
        pl.concat_str("title", "brand", "category", "description", separator=". ").str.replace_all(r"(\. )+", ". ")
    )["title"].to_list()


def embed(base: KnowledgeBase, ids: list[int], progress: Progress) -> int:
    """Embed those of the items that are still there and still stale; how many that were.

    Each batch is committed, so that a crash loses one batch only and what is embedded can be found at once.
    """
    done = 0
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        with begin() as session:
            waiting = bases.to_embed(session, base.id, part)
        progress.advance(len(part) - len(waiting))
        if waiting.is_empty():
            continue
        vectors = embedder().embed(waiting["text"].to_list(), progress)
        with begin() as session:
            done += bases.put_vectors(
                session,
                base.id,
                embedder().signature,
                waiting.select("id", "text_hash", embedding=_listed(vectors)),
            )
    return done


def finish(base: KnowledgeBase) -> bool:
    """When nothing is left to embed: note the time, and make the index of a large base. False while there is."""
    with begin() as session:
        if not bases.mark_refreshed(session, base.id):
            return False
    with begin() as session:
        search.ensure_index(session, base, embedder().dims)
    return True


def _listed(vectors: npt.NDArray[np.float32]) -> pl.Series:
    return pl.Series(vectors, dtype=pl.Array(pl.Float32, vectors.shape[1])).arr.to_list()


class PgIndex:
    """An Index (worker.techniques.base): the knowledge base of one dataset."""

    def __init__(self, dataset_id: int, *, asking_id: int | None = None) -> None:
        """`asking_id`: the dataset of the items that ask; None = this one. The row numbers of another one mean nothing
        here."""
        self._dataset_id = dataset_id
        self._asking_id = dataset_id if asking_id is None else asking_id
        self._from_elsewhere = self._asking_id != dataset_id

    def _base(self) -> KnowledgeBase | None:
        """The base, if it is there and of the model that asks."""
        with begin() as session:
            base = bases.of(session, self._dataset_id)
        return base if base and base.signature == embedder().signature else None

    def build(self, train: pl.DataFrame, progress: Progress) -> None:
        """Make the base if there is none, bring in the train side, embed what is new or changed.

        Which rows are train rows is asked of the database; of `train` only the length counts, for progress.
        """
        with begin() as session:
            base = bases.ensure(session, self._dataset_id, embedder().signature)
            changes.sync(session, base)
            waiting = bases.stale(session, base.id)
        progress.advance(max(0, len(train) - len(waiting)))
        embed(base, waiting, progress)
        finish(base)

    def nearest(self, items: pl.DataFrame, k: int, limits: SearchLimits = NO_LIMITS) -> pl.DataFrame:
        """As the protocol says. Raises NotReady when there is no base, or one of another embedding model."""
        if items.is_empty() or k < 1:
            return pl.DataFrame(schema=FOUND_SCHEMA)
        base = self._base()
        if base is None:
            # Prices from an empty search would all be unparsed, and nobody would know why.
            raise NotReady(
                "This dataset has no knowledge base of the embedding model in use; bring it up to date on the "
                "Knowledge page, then start again."
            )
        vectors = self.vectors(items, Silent())
        with begin() as session:
            # A known item with the number of one that comes from elsewhere is not that one, so it is not left out.
            row = -1 - pl.col("row") if self._from_elsewhere else pl.col("row")
            asking = items.select("category", row=row, embedding=_listed(vectors))
            found = search.nearest(session, base, embedder().dims, asking, k, limits)
        return found.with_columns(row=-1 - pl.col("row")) if self._from_elsewhere else found

    def vectors(self, items: pl.DataFrame, progress: Progress) -> npt.NDArray[np.float32]:
        """(n, dims), from the base where the item's text is embedded already, from what was kept of another search,
        else computed, and kept."""
        texts, rows = texts_of(items), items["row"].to_list()
        keys = [(row, hashlib.sha256(text.encode()).hexdigest()) for row, text in zip(rows, texts, strict=True)]
        base = None if self._from_elsewhere else self._base()  # what it holds are vectors of other rows
        signature = embedder().signature
        with begin() as session:
            known: dict[tuple[int, str], npt.ArrayLike] = dict(
                query_vectors.get(session, self._asking_id, signature, rows)
            )
            if base:
                stored = search.vectors(session, base, rows)
                known |= {(row, text_hash): vector for row, text_hash, vector in stored.iter_rows()}
        missing = [place for place, key in enumerate(keys) if key not in known]
        result = np.empty((len(items), embedder().dims), dtype=np.float32)
        if missing:
            # As they will be read again, so that the next technique sees the same numbers.
            fresh = embedder().embed([texts[place] for place in missing], progress).astype(np.float16)
            result[missing] = fresh
            with begin() as session:
                of_missing = [keys[place] for place in missing]
                numbers, hashes = [row for row, _ in of_missing], [text_hash for _, text_hash in of_missing]
                query_vectors.put(session, self._asking_id, signature, numbers, hashes, fresh)
        for place, key in enumerate(keys):
            if key in known:
                result[place] = known[key]
        progress.advance(len(items) - len(missing))
        return result

    def price_stats(self, category: str) -> PriceStats:
        with begin() as session:
            base = bases.of(session, self._dataset_id)
            return bases.price_stats(session, base.id, category) if base else PriceStats(0)

    def freshness(self) -> Freshness:
        with begin() as session:
            base = bases.of(session, self._dataset_id)
            return bases.freshness(session, base.id) if base else Freshness(0, 0, 0.0, None, None, None, None)
