"""What is computed once of the texts of a source, to find copies and new values in every table priced from it."""

import json
from dataclasses import dataclass

import numpy as np
import polars as pl
from safetensors.numpy import load, save

from db import artifacts, datasets
from db.engine import begin
from db.types import Artifact, Dataset, Split
from worker.evaluation import leakage, novelty, planted_leaks, shingles

COLUMNS = ("category", "brand")

_MOST = 200_000
"""Rows of a source of which this is kept: one to two kilobytes each, in one value of the database. Of a larger one it
is computed each time."""

_SEED = 0
_COPIES, _VALUES = "copies.safetensors", "values.json"


@dataclass(frozen=True, slots=True)
class Texts:
    """What other tables are compared with."""

    copies: leakage.Learned  # of the train and validation rows
    values: dict[str, pl.Series]  # of COLUMNS, in the train rows: worker.evaluation.novelty.values


def of(source: Dataset) -> Texts:
    """As it was kept, else computed now and kept for the next table."""
    kept_as = datasets.fit_hash(source, f"texts of a source 1 {shingles.coding()}")
    with begin() as session:
        artifact = artifacts.get(session, kept_as)
        if artifact is None:
            train, validation = (
                datasets.items(session, source.id, side, details=True) for side in (Split.TRAIN, Split.VALIDATION)
            )
    if artifact is not None:
        values = json.loads(artifact.parts[_VALUES])
        return Texts(
            leakage.Learned.from_arrays(load(artifact.parts[_COPIES])),
            {column: pl.Series(values[column], dtype=pl.String) for column in COLUMNS},
        )
    known = pl.concat([train, validation]).with_columns(key=pl.format("row:{}", "row"))
    copies = leakage.learn(known, planted_leaks.nearly(leakage.sample(known, _SEED), _SEED), _SEED)
    own = Texts(copies, {column: novelty.values(train[column]) for column in COLUMNS})
    listed = {column: each.to_list() for column, each in own.values.items()}
    arrays = {name: np.ascontiguousarray(each) for name, each in copies.to_arrays().items()}
    if len(known) <= _MOST:
        with begin() as session:
            parts = {_COPIES: save(arrays), _VALUES: json.dumps(listed).encode()}
            artifacts.put(session, kept_as, source.id, Artifact(parts), 0.0)
    return own
