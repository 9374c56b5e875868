"""The rows of a dataset that a fine-tune learns from and is measured on, with the prompt that they are put into."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from db import datasets
from db.engine import Session
from db.errors import NotReady
from db.types import Dataset, PromptVersion, Split
from worker.datasets import quantities
from worker.prompts import versions
from worker.prompts.currency import in_currency
from worker.specs.finetune import FEWEST_ROWS, TrainSpec


@dataclass(frozen=True, slots=True)
class Material:
    """What the database has for a fine-tune: frames of ITEM_SCHEMA with prices, as the spec limits them."""

    dataset: Dataset
    template: PromptVersion
    train: pl.DataFrame
    validation: pl.DataFrame  # its first rows are measured: a sample, the same in every run


def material(session: Session, dataset_id: int, spec: TrainSpec) -> Material:
    """Raises NotFound for a dataset or a prompt that is gone, NotReady where the rows are too few."""
    dataset = datasets.get(session, dataset_id)
    train, validation = priced_items(session, dataset, spec)
    prompt = in_currency(versions.resolve(session, spec.prompt), spec.currency)
    return Material(dataset, quantities.worded(session, prompt, dataset), train, validation)


def priced_items(session: Session, dataset: Dataset, spec: TrainSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The items to learn from and to measure on: ITEM_SCHEMA with prices, as the spec limits them. Raises NotReady."""
    train, validation = (
        datasets.items(session, dataset.id, side, per_unit=True) for side in (Split.TRAIN, Split.VALIDATION)
    )
    wanted = pl.col("price") > 0
    if spec.categories:
        wanted &= pl.col("category").is_in(spec.categories)
    train, validation = sample(train.filter(wanted), spec.rows, spec.seed), validation.filter(wanted)
    if len(train) < FEWEST_ROWS or len(validation) < FEWEST_ROWS:
        raise NotReady(
            f"Fine-tuning needs at least {FEWEST_ROWS} priced rows to learn from and as many to measure on, and here "
            f"are {len(train)} and {len(validation)}; choose more rows, more categories or another dataset."
        )
    return train, sample(validation, 0, spec.seed)


def sample(items: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
    """So many rows by chance, 0 = all; a larger sample of the same items contains every smaller one."""
    order = np.random.default_rng(seed).permutation(len(items))
    return items[order[:rows] if rows else order]


def fingerprint(dataset: Dataset, spec: TrainSpec) -> str:
    """A name for the dataset, its split and the rows learned from."""
    return datasets.fit_hash(dataset, f"{spec.rows} {spec.seed} {sorted(spec.categories)} ")
