"""What is computed once of the priced rows of a source, to say how much similar ones tell of any other row."""

from db import artifacts, datasets
from db.engine import begin
from db.types import Artifact, Dataset, Split
from worker.evaluation import support


def of(source: Dataset) -> support.Known:
    """As it was kept, else computed now and kept for the next table."""
    kept_as = datasets.fit_hash(source, "support of a source 2")
    with begin() as session:
        artifact = artifacts.get(session, kept_as)
    if artifact is not None:
        return support.Known.from_parts(artifact.parts)
    with begin() as session:
        train = datasets.items(session, source.id, Split.TRAIN, per_unit=True)
    known = support.Known.of(train)
    with begin() as session:
        artifacts.put(session, kept_as, source.id, Artifact(known.to_parts()), 0.0)
    return known
