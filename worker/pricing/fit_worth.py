"""What endpoints charge for the answers that a fit needs."""

from decimal import Decimal

import polars as pl

from db import artifacts, datasets
from db.engine import Session
from db.types import Dataset
from worker.evaluation import calibration
from worker.specs import BaseSpec, members_of


def of_spec(session: Session, dataset: Dataset, spec: BaseSpec) -> tuple[Decimal, bool]:
    """What the answers cost that calibrate a technique, or its members, whoever paid for them: the sum of the known
    prices ($), and whether all are known."""
    usd = pl.Series([], dtype=pl.Float64)
    for part in members_of(spec) or (spec,):
        if part.uses_endpoint:
            fit_hash = datasets.fit_hash(dataset, part.fit_key)
            usd = usd.append(calibration.read(artifacts.part(session, fit_hash, calibration.PART))["usd"])
    return Decimal(repr(float(usd.sum()))), not usd.null_count()
