"""The folds of a cross-validation over rows: shuffled once, of equal size, the same for the same seed."""

import numpy as np
import numpy.typing as npt

FOLDS = 5


def fold_numbers(n: int, seed: int = 0, folds: int = FOLDS) -> npt.NDArray[np.intp]:
    """The fold (0 to folds - 1) of each of n rows."""
    return np.random.default_rng(seed).permutation(np.arange(n) % folds)
