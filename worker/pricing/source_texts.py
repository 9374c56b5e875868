"""What is computed once of the texts of a source, to find copies and new values in every table priced from it."""

import json
from dataclasses import dataclass

import polars as pl

from db import artifacts, datasets
from db.engine import begin
from db.types import Artifact, Dataset, Split
from worker.evaluation import leakage, novelty, planted_leaks, shingles

COLUMNS = ("category", "brand")

_MOST = 200_000
"""Rows of a source of which this is kept: about a kilobyte each, in one value of the database. Of a larger one it is
computed each time."""

_SEED = 0
_VALUES = "values.json"


@dataclass(frozen=True, slots=True)
class Texts:
    """What other tables are compared with."""

    items: leakage.Known  # the train and validation rows
    values: dict[str, pl.Series]  # of COLUMNS, in the train rows: worker.evaluation.novelty.values


def of(source: Dataset) -> Texts:
    """As it was kept, else computed now and kept for the next table."""
    kept_as = datasets.fit_hash(source, f"texts of a source 2 {shingles.coding()}")
    with begin() as session:
        artifact = artifacts.get(session, kept_as)
        if artifact is None:
            train, validation = (
                datasets.items(session, source.id, side, details=True) for side in (Split.TRAIN, Split.VALIDATION)
            )
    if artifact is not None:
        values = json.loads(artifact.parts[_VALUES])
        return Texts(
            leakage.Known.from_parts(artifact.parts),
            {column: pl.Series(values[column], dtype=pl.String) for column in COLUMNS},
        )
    known = pl.concat([train, validation]).with_columns(key=pl.format("row:{}", "row"))
    planted = planted_leaks.nearly(leakage.sample(known, _SEED), _SEED)
    own = Texts(leakage.Known.of(known, planted, _SEED), {column: novelty.values(train[column]) for column in COLUMNS})
    if len(known) <= _MOST:
        values = json.dumps({column: each.to_list() for column, each in own.values.items()})
        with begin() as session:
            parts = {**own.items.to_parts(), _VALUES: values.encode()}
            artifacts.put(session, kept_as, source.id, Artifact(parts), 0.0)
    return own
