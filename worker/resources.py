"""Builds what a technique may use, once per process and only when asked for: index, models, fitted techniques."""

import hashlib
from collections import OrderedDict
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from db import artifacts, knowledge
from db.engine import begin
from db.errors import NotReady
from db.types import Dataset
from worker.progress import Progress, Silent
from worker.specs import BaseSpec
from worker.techniques import build
from worker.techniques.base import Embedder, Index, Technique

_BATCH = 256  # items embedded between two looks at the clock; also what a crash loses


@cache
def embedder() -> Embedder:
    """The sentence embedding model of this process."""
    from worker.llm.embedding import MiniLM

    return MiniLM()


@cache
def _language_model(name: str) -> Any:
    from worker.llm.local import LocalModel

    return LocalModel(name)


def embedded_texts(items: pl.DataFrame) -> list[str]:
    """What is embedded of an item: title first, because the model reads only the first 256 tokens."""
    return items.select(
        pl.concat_str("title", "brand", "category", "description", separator=". ").str.replace_all(r"(\. )+", ". ")
    )["title"].to_list()


class PgIndex:
    """The train side of one dataset in pgvector."""

    def __init__(self, dataset_id: int) -> None:
        self._dataset_id = dataset_id

    def build(self, train: pl.DataFrame, progress: Progress) -> None:
        """Embed what is new or changed; each batch is committed, so that a crash loses one batch only."""
        texts = embedded_texts(train)
        wanted = train.select("row").with_columns(
            text=pl.Series(texts, dtype=pl.String),
            text_hash=pl.Series([hashlib.sha256(text.encode()).hexdigest() for text in texts], dtype=pl.String),
        )
        with begin() as session:
            stored = knowledge.hashes(session, self._dataset_id, embedder().signature)
        missing = wanted.join(stored, on=["row", "text_hash"], how="anti")
        progress.advance(len(train) - len(missing))
        for batch in missing.iter_slices(_BATCH):
            vectors = embedder().embed(batch["text"].to_list(), progress)
            with begin() as session:
                knowledge.put(
                    session,
                    self._dataset_id,
                    embedder().signature,
                    batch.select("row", "text_hash", embedding=pl.Series(vectors.tolist(), dtype=pl.List(pl.Float32))),
                )
        with begin() as session:
            knowledge.ensure_index(session, self._dataset_id, embedder().signature, embedder().dims)

    def nearest(self, items: pl.DataFrame, k: int) -> pl.DataFrame:
        vectors = self.vectors(items, Silent())
        queries = items.select("row").with_columns(
            embedding=pl.Series(vectors.tolist(), dtype=pl.List(pl.Float32)),
        )
        with begin() as session:
            return knowledge.nearest(session, self._dataset_id, embedder().signature, embedder().dims, queries, k)

    def vectors(self, items: pl.DataFrame, progress: Progress) -> npt.NDArray[np.float32]:
        """(n, dims), from the store where the item's text is embedded already, else computed (and not stored)."""
        texts = embedded_texts(items)
        hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        with begin() as session:
            stored = knowledge.vectors(session, self._dataset_id, embedder().signature, items["row"].to_list())
        known = {
            (row, text_hash): np.asarray(vector, dtype=np.float32) for row, text_hash, vector in stored.iter_rows()
        }
        keys = list(zip(items["row"].to_list(), hashes, strict=True))
        missing = [place for place, key in enumerate(keys) if key not in known]
        computed = embedder().embed([texts[place] for place in missing], progress)
        result = np.empty((len(items), embedder().dims), dtype=np.float32)
        result[missing] = computed
        for place, key in enumerate(keys):
            if key in known:
                result[place] = known[key]
        progress.advance(len(items) - len(missing))
        return result


class LiveResources:
    """Resources for techniques that work on one dataset."""

    def __init__(self, dataset_id: int) -> None:
        self._dataset_id = dataset_id

    def index(self) -> Index:
        return PgIndex(self._dataset_id)

    def language_model(self, name: str) -> Any:
        return _language_model(name)


_KEPT = 4  # fitted techniques a process keeps; language models are shared among them and not counted
_fitted: OrderedDict[str, Technique] = OrderedDict()


def fitted(dataset: Dataset, spec: BaseSpec, fit_hash: str) -> Technique:
    """The technique of a spec, with what its fit step learned. Raises NotReady if that step never ran."""
    if fit_hash in _fitted:
        _fitted.move_to_end(fit_hash)
        return _fitted[fit_hash]
    technique = build(spec, LiveResources(dataset.id))
    if spec.needs_fit:
        with begin() as session:
            artifact = artifacts.get(session, fit_hash)
        if artifact is None:
            raise NotReady("What this technique had learned is gone; start the job again.")
        technique.load(artifact)
    _fitted[fit_hash] = technique
    while len(_fitted) > _KEPT:
        _fitted.popitem(last=False)
    return technique
