"""A blend of several techniques' prices: weights on log prices, learned on validation rows, and each member's value."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from worker.evaluation import pairs, resampling
from worker.evaluation.folds import FOLDS, Folds, fold_numbers
from worker.evaluation.pairs import Sample
from worker.evaluation.resampling import Floats

FEWEST = 40
"""Validation rows that all members answered; with fewer nothing is learned and all members weigh the same."""

_TINY = 0.005  # a weight below this moves a price by less than what rounding to cents does, and its member costs


@dataclass(frozen=True, slots=True)
class Blend:
    """log price = intercept + sum of weight x a member's log price."""

    way: str  # a key of WAYS, or "equal" where nothing was learned
    weights: tuple[float, ...]  # one per member, not negative; 0: the member need not be asked
    intercept: float = 0.0
    rows: int = 0  # validation rows behind it

    def price(self, prices: Floats) -> Floats:
        """Blended prices ($) of (n, members) prices; NaN = no answer.

        Where some members did not answer, the others stand in for them by their own weights; NaN where none did.
        """
        weights = np.asarray(self.weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = np.log(np.where(prices > 0, prices, np.nan))
        answered = np.isfinite(logs) & (weights > 0)
        present = (answered * weights).sum(axis=1)
        total = (np.where(answered, logs, 0.0) * weights).sum(axis=1)
        scaled = np.divide(total, present, out=np.full(len(prices), np.nan), where=present > 0)
        blended: Floats = np.exp(self.intercept + scaled * weights.sum())
        return blended

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(values: dict[str, Any]) -> "Blend":
        return Blend(**{**values, "weights": tuple(values["weights"])})


@dataclass(frozen=True, slots=True)
class Value:
    """How much the mean absolute error ($) on validation rows would rise without a member; 95 %, all members held at
    once. None: too few rows to say."""

    worse: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Learned:
    """A blend with what validation rows say of it; every error is of rows that its weights were not learned from, `mae`
    of rows that did not choose the way either."""

    blend: Blend
    mae: float | None  # $
    singles: tuple[float | None, ...]  # $ of each member alone, on the same rows
    values: tuple[Value | None, ...]  # of each member
    tried: dict[str, float]  # way -> $
    folds: Folds  # (n,) of every row that was given
    crossed: tuple[Blend, ...]  # fold -> the blend that its rows, and copies of them, had no part in


def learn(
    prices: Floats, truth: Floats, groups: npt.NDArray[np.int64] | None = None, *, way: str = "auto", seed: int = 0
) -> Learned:
    """The blend that has the least mean absolute error on rows that it was not learned from.

    prices: (n, members) in $, NaN = no answer; truth: (n,) in $; groups: (n,) of near-duplicates, None where there are
    none. Only rows that every member answered count. `way`: a key of WAYS, or "auto" to choose one by
    cross-validation. Whatever is chosen is then learned from all rows.
    """
    usable = np.isfinite(prices).all(axis=1) & (prices > 0).all(axis=1) & np.isfinite(truth) & (truth > 0)
    every_fold = fold_numbers(np.arange(len(truth)) if groups is None else groups, seed)
    prices, truth, folds = prices[usable], truth[usable], every_fold[usable]
    members = prices.shape[1]
    if len(prices) < FEWEST or len(np.unique(folds)) < FOLDS:
        equal = Blend("equal", (1 / members,) * members, rows=len(prices))
        nobody = (None,) * members
        return Learned(equal, None, nobody, nobody, {}, np.zeros_like(every_fold), (equal,))
    names = tuple(WAYS) if way == "auto" else (way,)
    best, guesses = _choose(prices, truth, folds, names)
    crossed = tuple(
        _fit(prices[rest], truth[rest], _choose(prices[rest], truth[rest], folds[rest], names)[0])
        for rest in (folds != number for number in range(FOLDS))
    )
    held_out = np.stack([each.price(prices) for each in crossed])[folds, np.arange(len(prices))]
    return Learned(
        _fit(prices, truth, best),
        float(np.abs(held_out - truth).mean()),
        tuple(float(np.abs(column - truth).mean()) for column in prices.T),
        _values(prices, truth, folds, WAYS[best], np.abs(guesses[best] - truth), seed),
        {name: float(np.abs(guess - truth).mean()) for name, guess in guesses.items()},
        every_fold,
        crossed,
    )


def _choose(prices: Floats, truth: Floats, folds: Folds, names: Sequence[str]) -> tuple[str, dict[str, Floats]]:
    """The way with the least error in a cross-validation over the folds, and what each way says there."""
    guesses = {name: _crossed(prices, truth, folds, WAYS[name]) for name in names}
    return min(names, key=lambda name: float(np.abs(guesses[name] - truth).mean())), guesses


Fit = Callable[[Floats, Floats], tuple[Floats, float]]
"""From log prices (n, members) and true log prices (n,) to weights (members,) and an intercept."""


def _fit(prices: Floats, truth: Floats, way: str) -> Blend:
    weights, intercept = WAYS[way](np.log(prices), np.log(truth))
    kept = np.where(weights > _TINY, weights, 0.0)
    if kept.any() and not np.array_equal(kept, weights):
        intercept += float((np.log(prices) @ (weights - kept)).mean())
        weights = kept
    return Blend(way, tuple(float(weight) for weight in weights), float(intercept), len(prices))


def _crossed(prices: Floats, truth: Floats, folds: Folds, fit: Fit) -> Floats:
    """Blended prices ($) of each row, by weights learned on the other folds."""
    logs, goal = np.log(prices), np.log(truth)
    guesses = np.empty(len(truth))
    for number in np.unique(folds):
        out = folds == number
        weights, intercept = fit(logs[~out], goal[~out])
        guesses[out] = np.exp(logs[out] @ weights + intercept)
    return guesses


def _values(
    prices: Floats, truth: Floats, folds: Folds, fit: Fit, errors: Floats, seed: int
) -> tuple[Value | None, ...]:
    """What each member adds: the same blend learned anew without it, on the same folds."""
    members: int = prices.shape[1]
    if members < 2:
        return (None,) * members
    without = [
        np.abs(_crossed(np.delete(prices, member, axis=1), truth, folds, fit) - truth) for member in range(members)
    ]
    sample = Sample(np.stack([errors, *without], axis=1), resampling.alone(len(truth)))
    (gaps,) = pairs.differences([sample], resampling.means, 1000, seed)
    values: list[Value | None] = [_value(*gaps.of(member + 1, 0)) for member in range(members)]
    return tuple(values)


def _value(worse: float, low: float, high: float) -> Value | None:
    return Value(worse, None, None) if np.isnan(low) else Value(worse, low, high)


def _non_negative(logs: Floats, goal: Floats) -> tuple[Floats, float]:
    """Non-negative least squares around the means (Breiman 1996, stacked regressions), so the intercept is free."""
    centre, level = logs.mean(axis=0), float(goal.mean())
    weights = optimize.nnls(logs - centre, goal - level)[0]
    if not weights.any():  # nobody knows anything: the level alone, as all members' mean would have it
        weights = np.full(logs.shape[1], 1 / logs.shape[1])
    return weights, level - float(centre @ weights)


def _squares(logs: Floats, goal: Floats) -> tuple[Floats, float]:
    """Weights that sum to one, least squares, no intercept: the scale of the members' prices is kept."""
    # One row so heavy that its error outweighs all others makes the sum.
    heavy = 1e4 * np.abs(logs).max(initial=1.0)
    rows = np.vstack([logs - goal[:, None], np.full((1, logs.shape[1]), heavy)])
    weights = optimize.nnls(rows, np.append(np.zeros(len(logs)), heavy))[0]
    return weights / weights.sum(), 0.0


def _absolute(logs: Floats, goal: Floats) -> tuple[Floats, float]:
    """Weights that sum to one with an intercept, least absolute deviations: wild rows don't turn them.

    The linear programme min sum(over + under), logs w + b + under - over = goal (Koenker & Bassett 1978).
    """
    n, members = logs.shape
    cost = np.concatenate([np.zeros(members + 1), np.ones(2 * n)])
    eye = sparse.eye_array(n)
    table = sparse.hstack([logs, np.ones((n, 1)), eye, -eye])
    sums = sparse.csr_array(np.append(np.ones(members), np.zeros(2 * n + 1))[None, :])
    solved = optimize.linprog(
        cost,
        A_eq=sparse.vstack([table, sums], format="csr"),
        b_eq=np.append(goal, 1.0),
        bounds=[(0, None)] * members + [(None, None)] + [(0, None)] * (2 * n),
        method="highs",
    )
    if not solved.success:
        return _equal(logs, goal)
    weights = np.clip(solved.x[:members], 0, None)
    return weights / weights.sum(), float(solved.x[members])


def _equal(logs: Floats, goal: Floats) -> tuple[Floats, float]:
    """The geometric mean of all members, as it is."""
    del goal
    return np.full(logs.shape[1], 1 / logs.shape[1]), 0.0


WAYS: dict[str, Fit] = {"equal": _equal, "squares": _squares, "non-negative": _non_negative, "absolute": _absolute}
"""Ways to learn weights, the simplest first: of equals it wins."""
