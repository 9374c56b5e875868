"""The side of each row: train, validation or test. Whole groups of near-duplicates stay on one side."""

import numpy as np
import numpy.typing as npt

from db.types import Split

SIDES = (str(Split.TRAIN), str(Split.VALIDATION), str(Split.TEST), str(Split.UNPRICED))
"""In the order of `draw`: millions of rows take a byte each as places in it, 40 bytes as words."""

_MIN_GROUPS = 10
"""From this many priced groups on, validation and test get at least one group each."""

_BIG = 0.02
"""A group with more than this share of the priced rows teaches: as a test it would be one question asked often."""


def assign(
    groups: npt.NDArray[np.int64],
    has_price: npt.NDArray[np.bool_],
    seed: int,
    train: float = 0.8,
    validation: float = 0.1,
) -> npt.NDArray[np.str_]:
    """(n,) values of Split: what `draw` gives, as words."""
    return np.array(SIDES, dtype="U10")[draw(groups, has_price, seed, train, validation)]


def draw(
    groups: npt.NDArray[np.int64],
    has_price: npt.NDArray[np.bool_],
    seed: int,
    train: float = 0.8,
    validation: float = 0.1,
) -> npt.NDArray[np.int8]:
    """(n,) places in SIDES, from (n,) group ids and (n,) flags; what train and validation leave is for the test.

    Rows without a price are `unpriced`, also when their group has priced rows. Groups are put in an order drawn from
    the seed and the group id alone, then cut so that the shares of rows come out as asked. Same input, same result.
    """
    if len(groups) != len(has_price):
        raise ValueError(f"{len(groups)} groups do not go with {len(has_price)} rows")
    if not (0 < train < 1 and 0 < validation < 1 and train + validation < 1):
        raise ValueError(f"shares {train} and {validation} leave nothing for one of the sides")
    sides = np.full(len(groups), SIDES.index(str(Split.UNPRICED)), dtype=np.int8)
    priced = groups[has_price]
    if not len(priced):
        return sides
    lowest = int(priced.min())
    if int(priced.max()) - lowest < 4 * len(groups):  # as loading numbers them: counted without sorting millions
        counts = np.bincount(priced - lowest)
        ids = np.flatnonzero(counts)
        of_row, sizes = (np.cumsum(counts > 0) - 1)[priced - lowest], counts[ids].astype(np.int64)
        ids += lowest
    else:
        ids, of_row, sizes = np.unique(priced, return_inverse=True, return_counts=True)
    total = int(sizes.sum())
    rank = _mix(ids.astype(np.uint64), seed)
    is_big = sizes > max(_BIG * total, 1)
    # Big groups first, so that they fall on the train side, then by the draw. Few groups: biggest first would decide.
    order = np.lexsort((rank, ~is_big)) if len(ids) >= _MIN_GROUPS else np.argsort(rank, kind="stable")
    middle = (np.cumsum(sizes[order]) - sizes[order] / 2) / total
    side_of_ordered = np.where(middle < train, 0, np.where(middle < train + validation, 1, 2))
    if len(ids) >= _MIN_GROUPS:
        # The last two groups of the order, when rounding or big groups left a side without any.
        if not (side_of_ordered == 2).any():
            side_of_ordered[-1] = 2
        if not (side_of_ordered == 1).any():
            side_of_ordered[np.flatnonzero(side_of_ordered < 2)[-1]] = 1
    side = np.empty(len(ids), dtype=np.int8)
    side[order] = side_of_ordered
    sides[has_price] = side[of_row]
    return sides


def _mix(ids: npt.NDArray[np.uint64], seed: int) -> npt.NDArray[np.uint64]:
    """A pseudo-random number per id (SplitMix64, Steele, Lea and Flood 2014): the same on every machine and version."""
    with np.errstate(over="ignore"):
        z = (ids + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed % 2**63) * np.uint64(
            0xD1B54A32D192ED03
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
