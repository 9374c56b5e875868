"""What techniques may know when they price test rows: train rows, the rest of the knowledge base, prompts."""

from typing import Any

import polars as pl

from db import datasets, jobs
from db.engine import Session
from db.knowledge import bases
from db.types import JobKind, Split
from worker.prompts import versions

TRAIN, ELSEWHERE = "train", "knowledge base"

_NO_KEY = r"^(row:\d+)?$"


def items(session: Session, dataset_id: int) -> pl.DataFrame:
    """row (null elsewhere), key (as knowledge bases have it), where, title, description, category, brand, price,
    group_id of everything that may be looked up. Examples in prompts are drawn from the train side, so they are in
    it."""
    own = datasets.items(session, dataset_id, Split.TRAIN, details=True)
    has_id = ~pl.col("external_id").str.contains(_NO_KEY) & ~pl.col("external_id").is_duplicated()
    train = own.select(
        "row",
        key=pl.when(has_id).then("external_id").otherwise(pl.format("row:{}", "row")),
        where=pl.lit(TRAIN),
        **{name: pl.col(name) for name in ("title", "description", "category", "brand", "price", "group_id")},
    )
    base = bases.of(session, dataset_id)
    if base is None:
        return train
    others = bases.known_elsewhere(session, base.id).with_columns(where=pl.lit(ELSEWHERE))
    return pl.concat([train, others], how="diagonal")


def prompts(session: Session, dataset_id: int) -> dict[str, str]:
    """Name with version -> the text of every prompt that a pricing job of the dataset asked with, or a member of a
    combination did."""
    names: set[str] = set()
    for job in jobs.all(session, dataset_id, JobKind.PRICE):
        names |= _named(job.spec)
    texts = {version.ref: f"{version.system}\n{version.template}" for version in versions.all_versions(session)}
    return {ref: texts[ref] for ref in sorted(names) if ref in texts}


def _named(spec: dict[str, Any]) -> set[str]:
    """The prompts that a stored spec names, and those of its members."""
    own = {str(spec[field]) for field in ("prompt", "extract_prompt") if spec.get(field)}
    return own.union(*(_named(member) for member in spec.get("members", ())))
