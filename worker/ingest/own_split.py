"""The side of each row as a person says it: by a column of sides, or by date (learn before, test after)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from db.types import Split
from worker.ingest import splits

_Sides = npt.NDArray[np.str_]
_Rows = npt.NDArray[np.int64]
_Marks = npt.NDArray[np.bool_]

REASONS = ("side ", "date ")
"""How the reasons begin for which a priced row is left out: nobody knows whether it may be learned from."""


@dataclass(frozen=True, slots=True)
class Division:
    """The sides of rows and how they came about."""

    sides: _Sides  # (n,) values of Split
    validation_cut: int = 0  # train rows that became validation, because the person's split has none
    validation_from: int | None = None  # by date: the first day of validation, in days since 1970
    test_from: int | None = None  # by date: the first day of the test side


def by_column(said: _Sides, groups: _Rows, has_price: _Marks, seed: int) -> Division:
    """Sides as a column says: said (n,) values of Split, "" where nothing can be read (such a row must have no price).

    Rows without a price are `unpriced`, whatever it says. Where it names train and test but no validation, that is cut
    from the train side by whole groups.
    """
    sides = np.where(has_price, said, str(Split.UNPRICED)).astype("U10")
    return _with_validation(Division(sides), groups, seed)


def by_date(
    days: _Rows,
    groups: _Rows,
    has_price: _Marks,
    seed: int,
    test_from: int | None = None,
    train: float = 0.8,
    validation: float = 0.1,
) -> Division:
    """Sides by days (n,) since 1970, those of rows without a price not looked at: the earliest teach, the latest test.

    The rows of a day stay together. The cuts are the days at which the shares come nearest to those asked for;
    `test_from` sets the first day of the test side instead. Days too few for a validation side of their own leave it to
    be cut from the train side, as in `by_column`. One day only leaves all rows on the train side.
    """
    sides = np.full(len(days), str(Split.UNPRICED), dtype="U10")
    known = days[has_price]
    sides[has_price] = str(Split.TRAIN)
    tested = _cut(known, train + validation) if test_from is None else test_from
    if tested is None:
        return Division(sides)
    validated = _cut(known[known < tested], train / (train + validation))
    sides[has_price & (days >= tested)] = str(Split.TEST)
    if validated is not None:
        sides[has_price & (days >= validated) & (days < tested)] = str(Split.VALIDATION)
    return _with_validation(Division(sides, 0, validated, tested), groups, seed)


def _cut(days: _Rows, share: float) -> int | None:
    """The day before which nearest to a share of the rows lie, with rows on both sides of it; None of one day."""
    unique, counts = np.unique(days, return_counts=True)
    if len(unique) < 2:
        return None
    before = np.cumsum(counts)[:-1] / len(days)
    return int(unique[1:][np.abs(before - share).argmin()])


def _with_validation(division: Division, groups: _Rows, seed: int) -> Division:
    sides = division.sides
    teaches = sides == str(Split.TRAIN)
    if (sides == str(Split.VALIDATION)).any() or not (sides == str(Split.TEST)).any():
        return division
    drawn = splits.assign(groups, teaches, seed, train=8 / 9, validation=1 / 9 - 1e-9)
    # What is left for a test of its own by rounding belongs to validation, too.
    cut = teaches & (drawn != str(Split.TRAIN))
    sides = np.where(cut, str(Split.VALIDATION), sides)
    return Division(sides, int(cut.sum()), division.validation_from, division.test_from)


@dataclass(frozen=True, slots=True)
class Torn:
    """Near-duplicates that stand on different sides."""

    groups: int
    test_rows: int  # those with a near-duplicate on the train or the validation side


def torn(sides: _Sides, groups: _Rows) -> Torn:
    """What a split tears apart; rows without a price are on no side."""
    if not len(sides):
        return Torn(0, 0)
    _, numbers = np.unique(groups, return_inverse=True)
    has = {
        side: np.bincount(numbers[sides == str(side)], minlength=int(numbers.max()) + 1) > 0
        for side in (Split.TRAIN, Split.VALIDATION, Split.TEST)
    }
    several = np.sum(list(has.values()), axis=0) > 1
    learned = has[Split.TRAIN] | has[Split.VALIDATION]
    return Torn(int(several.sum()), int(((sides == str(Split.TEST)) & learned[numbers]).sum()))
