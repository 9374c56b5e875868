"""Which of several techniques may still win while rows come in block by block, so that looking at any time costs
nothing.

For each ordered pair of techniques a bet is run against "the first is no more than x worse than the second": its wealth
is a product of 1 + stake x gain over groups of near-duplicates, the stake chosen before the group is seen. If the
sentence is true the wealth is a supermartingale, so it ever passes 1/a with probability a at most, whenever somebody
looks and whatever made them look (Ville 1939; Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables
by betting", sections 3 and 4; the stake is their predictable plug-in for a fixed number of rows, with larger ones mixed
in for large differences). All x whose wealth has stayed below 1/a are a confidence sequence. With k techniques a is
(1 - level) / (k (k - 1)), so that all pairs hold at once at all times.

The bound that bets need is made by winsorising: a group's difference counts for at most `Rule.bound`, which is fixed
from train prices before anything is priced. So the verdict is about the winsorised difference, in which the few errors
beyond the bound weigh less than in the plain mean. Rows count as drawn from more of their kind (with replacement): the
version for drawing without replacement would be about these very rows, and of equal techniques it would always name a
winner once all rows are used.

With weights of rows the sentence is about the weighted mean: a group's gain is what its rows differ by times what they
weigh, as a share of the heaviest weight there is (importance weighting). Weights are known before anything is priced, a
gain stays within the bound, and a stake goes by nothing but gains before it, so all of the above holds; the wider the
weights spread, the more rows it takes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from worker.evaluation import resampling
from worker.evaluation.compare import MIN_ANSWERED
from worker.evaluation.resampling import LEVEL, Floats, Groups

Bools = npt.NDArray[np.bool_]
Why = Literal["worse", "close"]

_STAKES = np.array([1.0, 2.0, 4.0, 8.0])  # times the plug-in, which is best for differences that just show at the end
_SHARES = np.array([0.4, 0.2, 0.2, 0.2])  # of the first wealth; any that sum to 1 are valid
_MOST = 0.9  # of the wealth that a group may take: below 1, else one bad group would end the bet
_HALVINGS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a race is decided by, fixed before the first row is priced."""

    bound: float  # in the measure's unit: what a group's difference counts for at most
    groups: int  # independent items there are in all: what the stakes are made for
    margin: float  # a difference up to this is none in practice
    is_share: bool  # the margin is a share of the leader's figure; else in the measure's unit
    level: float = LEVEL
    heaviest: float = 1.0  # the largest weight of a row, of all rows of the race
    typical: float = 1.0  # mean over all groups of the square of a group's largest weight, as a share of the heaviest

    def needed(self, k: int) -> float:
        """The logarithm of the wealth that settles a pair of k techniques."""
        return float(np.log(k * (k - 1) / (1 - self.level)))


class Exit(NamedTuple):
    """Why a technique is out."""

    place: int
    why: Why  # worse: surely behind the rival; close: surely not better than it by more than the margin
    rival: int


class Standing(NamedTuple):
    """Where the techniques of a race stand."""

    leader: int
    figures: Floats  # (k,) mean error on the rows that each answered; NaN: none
    exits: tuple[Exit, ...]  # new ones, the worst first


def standing(
    errors: Floats,
    groups: Groups,
    alive: Sequence[int],
    out: Sequence[int],
    rule: Rule,
    weights: Floats | None = None,
) -> Standing:
    """The leader among `alive` and who of them leave after some rows; `out` are those that left before.

    errors: (n, k) less is better, NaN where a technique gave no answer or was out already; rows in the order in which
    they were priced. groups: (n,) numbered from 0 in that order. weights: (n,) above 0 and at most `Rule.heaviest`;
    None: all rows count alike.

    A technique leaves when it is surely worse than another, or surely not better by more than the margin than one that
    stays; for everyone who is out somebody stays in of whom that holds. One that answered too little
    (compare.MIN_ANSWERED) can leave, but nobody leaves for its sake.
    """
    k = errors.shape[1]
    first, second = _ordered_pairs(k)
    bets = _bets(errors, groups, first, second, rule, weights)
    answered = (~np.isnan(errors)).sum(axis=0)
    figures = resampling.means(errors, None, weights)(np.ones((1, len(errors))))[0]
    trusted = _trusted(answered, len(errors), alive)
    leader = min(trusted, key=lambda place: (np.inf if np.isnan(figures[place]) else figures[place], place))
    margin = rule.margin * abs(float(np.nan_to_num(figures[leader]))) if rule.is_share else rule.margin

    needed = rule.needed(k)
    worse, close = np.zeros((k, k), dtype=bool), np.zeros((k, k), dtype=bool)
    worse[first, second] = _wealth(bets, np.zeros(len(first)), rule, needed) >= needed
    close[first, second] = _wealth(bets, np.full(len(first), -margin), rule, needed) >= needed
    worse, close = _followed(worse, close | worse)

    return Standing(leader, figures, tuple(_exits(worse, close, figures, alive, out, trusted)))


def settled(errors: Floats, groups: Groups, rule: Rule, weights: Floats | None = None) -> Bools:
    """(k, k): the first was called surely worse than the second after any of the groups, had one looked. weights: as in
    `standing`."""
    k = errors.shape[1]
    first, second = _ordered_pairs(k)
    bets = _bets(errors, groups, first, second, rule, weights)
    grid = np.zeros((k, k), dtype=bool)
    grid[first, second] = _wealth(bets, np.zeros(len(first)), rule, rule.needed(k)) >= rule.needed(k)
    return grid


def _ordered_pairs(k: int) -> tuple[Groups, Groups]:
    first, second = np.divmod(np.arange(k * k), k)
    return first[first != second], second[first != second]


class _Bets(NamedTuple):
    """What is bet on, for g groups and p pairs; weights are shares of the heaviest."""

    sums: Floats  # (g, p) of what the two differ by times the weight, over the rows that both answered
    counts: Floats  # (g, p) of the weights of these rows
    bounds: Floats  # (g, 1) what the group counts for at most


def _bets(errors: Floats, groups: Groups, first: Groups, second: Groups, rule: Rule, weights: Floats | None) -> _Bets:
    count = int(groups.max(initial=-1)) + 1
    missing = np.isnan(errors)
    filled = np.where(missing, 0.0, errors)
    both = ~(missing[:, first] | missing[:, second])
    worth = np.ones((len(errors), 1)) if weights is None else weights[:, None] / rule.heaviest
    sums, counts, most = np.zeros((count, len(first))), np.zeros((count, len(first))), np.zeros((count, 1))
    np.add.at(sums, groups, np.where(both, filled[:, first] - filled[:, second], 0.0) * worth)
    np.add.at(counts, groups, both * worth)
    np.maximum.at(most, groups, worth)
    return _Bets(sums, counts, rule.bound * most)


def _wealth(bets: _Bets, at: Floats, rule: Rule, needed: float) -> Floats:
    """(p,) the logarithm of the most that the bet against "no more than `at` worse" ever had; 0 at the start."""
    sums, counts, bounds = bets
    if not len(sums):
        return np.zeros(sums.shape[1])
    seen = np.arange(1, len(sums) + 1)[:, None]
    # What the stake goes by is known before the group: the spread of those before it, and a guess at the start.
    squared = np.clip(sums, -bounds, bounds) ** 2
    guess = rule.typical * rule.bound**2 / 16
    spread = (guess + np.vstack([np.zeros_like(at), np.cumsum(squared[:-1], axis=0)])) / seen
    plug_in = np.sqrt(2 * needed / rule.groups / spread)
    gains = np.clip(sums - counts * at, -bounds, bounds)
    most = _MOST / rule.bound
    wealth = np.zeros_like(gains)
    with np.errstate(over="ignore", under="ignore"):  # more than a float holds is enough, less is as good as nothing
        for stake, share in zip(_STAKES, _SHARES, strict=True):
            wealth += share * np.cumprod(1 + np.minimum(plug_in * stake, most) * gains, axis=0)
    return np.asarray(np.log(np.maximum(1.0, wealth.max(axis=0))))


def gaps(errors: Floats, groups: Groups, leader: int, rule: Rule, weights: Floats | None = None) -> Floats:
    """(k, 3) how much worse than the leader each is per row that both answered, and the ends of the confidence
    sequence, of all times so far; NaN where there is no such row, 0 for the leader. weights: as in `standing`."""
    k = errors.shape[1]
    others = np.array([place for place in range(k) if place != leader], dtype=np.intp)
    behind, counts, bounds = _bets(errors, groups, others, np.full(k - 1, leader), rule, weights)
    both_ways = _Bets(np.hstack([behind, -behind]), np.hstack([counts, counts]), bounds)  # it is worse; the leader is
    low, high = np.full(2 * (k - 1), -rule.bound), np.full(2 * (k - 1), rule.bound)
    needed = rule.needed(k)
    for _ in range(_HALVINGS):  # the wealth falls as `at` grows
        middle = (low + high) / 2
        is_beyond = _wealth(both_ways, middle, rule, needed) >= needed
        low, high = np.where(is_beyond, middle, low), np.where(is_beyond, high, middle)
    both = counts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        means = np.where(both > 0, behind.sum(axis=0) / both, np.nan)
    found = np.zeros((k, 3))
    found[others] = np.stack([means, low[: k - 1], -low[k - 1 :]], axis=1)
    found[others[both == 0]] = np.nan
    return found


def _trusted(answered: Groups, n: int, alive: Sequence[int]) -> list[int]:
    """Those of `alive` that answered enough of n rows to lead, or most of all where nobody did."""
    least = min(MIN_ANSWERED * n, max(answered[place] for place in alive))
    return [place for place in alive if answered[place] >= least]


def _followed(worse: Bools, close: Bools) -> tuple[Bools, Bools]:
    """With what follows from what is sure: who is worse than one that is worse than a third is worse than the third."""
    for _ in range(len(worse).bit_length()):
        worse = worse | (worse @ worse)
        close = close | worse | (close @ worse) | (worse @ close)
    return worse, close


def _exits(
    worse: Bools, close: Bools, figures: Floats, alive: Sequence[int], out: Sequence[int], trusted: Sequence[int]
) -> Iterator[Exit]:
    """Who leaves, the worst first, as long as everyone who is out has somebody among those that stay."""
    ranks = np.where(np.isnan(figures), np.inf, figures)
    gone = list(out)
    for place in sorted(alive, key=lambda each: (ranks[each], each), reverse=True):
        stays = [other for other in trusted if other != place and other not in gone]
        if not all(close[other, stays].any() for other in [place, *gone]):
            continue
        is_worse = bool(worse[place, stays].any())
        rivals = [other for other in stays if (worse if is_worse else close)[place, other]]
        gone.append(place)
        yield Exit(place, "worse" if is_worse else "close", min(rivals, key=lambda each: (ranks[each], each)))
