"""The folds of a cross-validation over rows: shuffled once, of equal size, the same for the same seed."""

import numpy as np
import numpy.typing as npt

FOLDS = 5

Folds = npt.NDArray[np.intp]


def fold_numbers(groups: npt.NDArray[np.int64], seed: int = 0, folds: int = FOLDS) -> Folds:
    """The fold (0 to folds - 1) of each row; the rows of a group of near-duplicates are in one, or each would be judged
    by what its copies taught."""
    labels, numbers = np.unique(groups, return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(np.arange(len(labels)) % folds)
    return drawn[numbers]
