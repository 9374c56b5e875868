"""The blocks of rows that a race hands out, what its techniques are expected to cost, and how its budget is shared."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from db import datasets
from db.engine import Session
from db.errors import NotReady, UserError
from db.types import Dataset, Split
from worker.datasets import weights
from worker.evaluation.measures import DECIDING, Measure
from worker.evaluation.race import Rule
from worker.specs.race import RaceSpec

FIRST_ROWS = 20
GROWTH = 0.15  # of the rows so far: a late look costs at most this much more than one after every row
SEED = 0
BOUND_SHARE = 0.9
"""A difference in dollars counts for at most the price that this share of the train prices does not pass. A lower bound
decides earlier and a higher one is nearer to the plain mean; benchmarks/race.py shows both."""


def blocks(rows: Sequence[int], groups: Sequence[int], seed: int = SEED) -> list[list[int]]:
    """The rows shuffled by groups of near-duplicates, in blocks that grow; the rows of a group stay together.

    The order depends on nothing but the rows: so the same race has the same blocks whenever it is asked.
    """
    members: dict[int, list[int]] = {}
    for row, group in sorted(zip(rows, groups, strict=True)):
        members.setdefault(group, []).append(row)
    order = np.random.default_rng(seed).permutation(sorted(members))
    made: list[list[int]] = [[]]
    so_far = 0
    for group in order:
        if len(made[-1]) >= max(FIRST_ROWS, GROWTH * (so_far - len(made[-1]))):
            made.append([])
        made[-1] += members[int(group)]
        so_far += len(members[int(group)])
    return made


def measure_of(spec: RaceSpec) -> Measure:
    """The measure that a race is decided by. Raises UserError for one that is no mean over rows."""
    able = {key: measure for key, measure in DECIDING.items() if measure.average == "mean"}
    if spec.measure not in able:
        raise UserError(
            f"A race can't be decided by {spec.measure}: only a mean over rows can be watched; choose "
            f"{' or '.join(able)}."
        )
    return able[spec.measure]


def rule(
    session: Session, dataset: Dataset, spec: RaceSpec, groups: Sequence[int], worth: Sequence[float] | None
) -> Rule:
    """What the race is decided by, from the train side, the weights of its rows and the settings alone. groups, worth
    (`weights_of`): of all its rows. Raises NotReady, UserError."""
    bound: float | None = 1.0
    if measure_of(spec).unit == "price":
        for side in (Split.TRAIN, Split.VALIDATION):
            bound = datasets.price_quantile(session, dataset.id, side, BOUND_SHARE)
            if bound is not None:
                break
    if bound is None:
        raise NotReady("A race needs train or validation rows with a price, and this dataset has none.")
    heaviest = max(worth or [1.0])
    most: dict[int, float] = {}
    for group, weight in zip(groups, worth or [1.0] * len(groups), strict=True):
        most[group] = max(most.get(group, 0.0), weight / heaviest)
    return Rule(
        bound=bound,
        groups=len(most),
        margin=spec.margin,
        is_share=spec.margin_is_share,
        level=spec.level,
        heaviest=heaviest,
        typical=sum(share**2 for share in most.values()) / len(most),
    )


def weights_of(session: Session, dataset: Dataset, spec: RaceSpec, rows: Sequence[int]) -> list[float] | None:
    """How much each row counts in the race; None: all alike."""
    return weights.of_rows(session, dataset, rows) if spec.weighted_by else None


def shares(left: Decimal, expected: Mapping[int, float | None]) -> dict[int, Decimal]:
    """Job -> what it may still pay of the money that is left, in proportion to what it is expected to cost; one of
    which that is unknown counts as the dearest."""
    known = [usd for usd in expected.values() if usd]
    most = max(known, default=1.0)
    weights = {job: Decimal(repr(usd or most)) for job, usd in expected.items()}
    whole = sum(weights.values(), start=Decimal(0))
    return {job: max(Decimal(0), left) * weight / whole for job, weight in weights.items()}
