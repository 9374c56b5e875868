"""What techniques may know when they price test rows: train rows, the rest of the knowledge base, what adapters
learned from elsewhere, prompts."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from db import adapters, datasets, jobs
from db.engine import Session
from db.knowledge import bases
from db.types import JobKind, Split
from worker import amounts
from worker.adapters import pricing
from worker.evaluation import leakage
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


@dataclass(frozen=True, slots=True)
class Learned:
    """What the adapters of pricing jobs learned from elsewhere."""

    items: pl.DataFrame  # as `items` gives them; row and group_id are null
    notes: tuple[str, ...]  # sentences: how these were searched, and what could not be


def learned_elsewhere(session: Session, dataset_id: int, known: pl.DataFrame) -> Learned:
    """The train rows of other datasets that an adapter learned from which priced this one, or a member of a combination
    did; without those whose text is that of a known item (`items`), so that a version of a table is not found in
    itself."""
    used: set[str] = set()
    for job in jobs.all(session, dataset_id, JobKind.PRICE):
        used |= pricing.adapters_of(job.spec)
    frames, notes = [known.clear().with_columns(pl.lit(None, pl.Int64).alias("row"))], []
    seen: set[int] = set()
    for adapter in (each for each in adapters.all(session) if each.id in used):
        if adapter.dataset_id is None:
            notes.append(
                f"The adapter {adapter.id[:8]} learned from {adapter.dataset_name}, which was deleted: what it has "
                "seen there can't be searched."
            )
        elif adapter.dataset_id not in {dataset_id, *seen}:
            seen.add(adapter.dataset_id)
            source = datasets.get(session, adapter.dataset_id)
            there = datasets.items(session, source.id, Split.TRAIN)
            frames.append(
                there.select(
                    pl.lit(None, pl.Int64).alias("row"),
                    key=pl.format(f"dataset:{source.id}:row:{{}}", "row"),
                    where=pl.lit(f"train rows of {source.name}, by an adapter"),
                    **{name: pl.col(name) for name in ("title", "description", "category", "brand", "price")},
                )
            )
            notes.append(
                f"{amounts.count(len(there), 'train row')} of {source.name}, which the adapter {adapter.id[:8]} "
                "learned from, were searched by their words only, not by meaning."
            )
    every = pl.concat(frames, how="diagonal")
    text = leakage.text_of(every)
    return Learned(every.filter(~text.is_in(leakage.text_of(known).to_list())), tuple(notes))


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
