"""A cascade: cheap techniques first, dearer ones for the rows whose interval is wide; limits chosen on validation."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from worker import amounts
from worker.evaluation import resampling
from worker.evaluation.folds import FOLDS, Folds, fold_numbers
from worker.evaluation.resampling import Floats

Width = Literal["dollars", "ratio"]
WIDTHS: tuple[Width, ...] = ("dollars", "ratio")
"""What a wide interval is: high - low in $ (an error on a dear item is a large one), or high / low."""

Keeps = Literal["last", "mean"]
KEEPS: tuple[Keeps, ...] = ("last", "mean")
"""Which of the answers that it got a row keeps: the last one, or the geometric mean of all, which were paid for."""

FEWEST = 40
"""Validation rows below which no limit is chosen: the first member then answers all that it can."""

LONGEST = 3
"""Members that may be asked about one row: more limits than two are not found on a few hundred rows."""

_SHARES = np.linspace(0, 1, 21)  # of the rows that get to a stage: how many may go on
_POINTS = 12  # budgets that the curve is drawn at
_RESAMPLES = 500

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Chain:
    """Who is asked in which order, and how wide an interval may be before the next one is asked."""

    members: tuple[int, ...]  # places among the members, in the order in which they are asked
    limits: tuple[float, ...]  # one less than members, 0 or more; inf: only rows without an answer go on
    width: Width = "dollars"
    keeps: Keeps = "last"

    def goes_on(self, stage: int, price: Floats, low: Floats, high: Floats) -> Mask:
        """Whether the next one is asked: where a stage gave no answer, or one whose interval is too wide. An answer
        without an interval stays: nothing is known against it."""
        if stage >= len(self.limits):
            return np.zeros(len(price), dtype=bool)
        return _goes_on(price, _widths(low, high, self.width), np.asarray(self.limits[stage]))

    def as_json(self) -> dict[str, Any]:
        """JSON knows no infinity: null stands for it."""
        return asdict(self) | {"limits": [None if np.isinf(limit) else limit for limit in self.limits]}

    @staticmethod
    def from_json(values: dict[str, Any]) -> "Chain":
        limits = tuple(np.inf if limit is None else float(limit) for limit in values["limits"])
        return Chain(tuple(values["members"]), limits, values["width"], values.get("keeps", "last"))


def heard(keeps: Keeps, before: Floats, number: npt.NDArray[np.intp], said: Floats) -> Floats:
    """What rows (n,) keep once they got another answer ($; NaN: none came) after so many before it."""
    if keeps == "last":
        return np.where(np.isfinite(said), said, before)
    known = np.where(np.isfinite(before), number, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(np.where(known > 0, before, 1.0)) * known + np.log(said)
    mixed: Floats = np.where(np.isfinite(said), np.exp(logs / (known + 1)), before)
    return mixed


class Answers(NamedTuple):
    """What members said about the same validation rows, (n, members) each; NaN = nothing."""

    price: Floats  # $
    low: Floats  # $
    high: Floats  # $
    usd: Floats  # that asking took; NaN: nobody knows

    def take(self, rows: npt.ArrayLike) -> "Answers":
        return Answers(*(column[np.asarray(rows)] for column in self))


@dataclass(frozen=True, slots=True)
class Aim:
    """What a cascade is for: the least error within a budget, or the least cost for an error; neither: the cheapest
    that is not shown to be worse than the best."""

    usd_per_1000: float | None = None
    mae: float | None = None  # $


@dataclass(frozen=True, slots=True)
class Point:
    """What a budget buys, on rows that neither its chain nor its limits were chosen by."""

    usd_per_1000: float
    mae: float  # $
    low: float | None  # 95 % bootstrap over the rows; None: too few
    high: float | None


@dataclass(frozen=True, slots=True)
class Learned:
    """A chain with what validation rows say of it and of others."""

    chain: Chain
    rows: int
    mae: float | None  # $, of the aim, on rows that it was not chosen by
    usd_per_1000: float | None
    shares: tuple[float, ...]  # of the rows: who answers them, one per member of the chain
    curve: tuple[Point, ...]  # cheapest first
    folds: Folds  # (n,)
    crossed: tuple[Chain, ...]  # fold -> the chain that its rows, and copies of them, had no part in
    sentence: str = ""  # where the aim could not be reached


def learn(
    answers: Answers, truth: Floats, aim: Aim, groups: npt.NDArray[np.int64] | None = None, seed: int = 0
) -> Learned:
    """The chain and limits that serve the aim best on validation rows; truth (n,) in $, above 0; groups (n,) of
    near-duplicates, None where there are none.

    Every figure comes from a cross-validation: chosen on four fifths, measured on the fifth. A row that nobody answers
    counts with its whole price.
    """
    order = _by_cost(answers.usd)
    folds = fold_numbers(np.arange(len(truth)) if groups is None else groups, seed)
    if len(truth) < FEWEST or len(np.unique(folds)) < FOLDS or answers.price.shape[1] == 1:
        chain = Chain(tuple(order[:LONGEST]), (np.inf,) * (min(len(order), LONGEST) - 1))
        return Learned(chain, len(truth), None, None, (), (), np.zeros_like(folds), (chain,))
    chosen = _choose(answers, truth, [aim], order)[0]
    aims = [aim, *_budgets(answers)]
    chains = [_choose(answers.take(folds != fold), truth[folds != fold], aims, order) for fold in range(FOLDS)]
    (loss, usd), *points = [_followed(each, answers, truth, folds) for each in zip(*chains, strict=True)]
    whole = _follow(chosen, answers, truth)
    return Learned(
        chain=chosen,
        rows=len(truth),
        mae=float(loss.mean()),
        usd_per_1000=_known(1000 * float(usd.mean())),
        shares=tuple(float((whole.answered_by == place).mean()) for place in range(len(chosen.members))),
        curve=_curve(points, seed),
        folds=folds,
        crossed=tuple(each[0] for each in chains),
        sentence=_missed(aim, float(whole.loss.mean()), 1000 * float(whole.usd.mean())),
    )


def alone(answers: Answers, truth: Floats) -> list[tuple[float, float | None]]:
    """Mean absolute error ($) and cost per 1,000 rows of each member, asked about everything; cost None: unknown."""
    loss = _losses(answers.price, truth)
    usd = [_known(1000 * float(cost)) for cost in np.nan_to_num(answers.usd, nan=_UNKNOWN).mean(axis=0)]
    return list(zip([float(each) for each in loss.mean(axis=0)], usd, strict=True))


_UNKNOWN = 1e9  # dollars: what a call of unknown price is taken to cost, so that no budget holds it


def _known(usd: float) -> float | None:
    return usd if usd < _UNKNOWN / 1000 else None


def _by_cost(usd: Floats) -> list[int]:
    """Places of the members, cheapest first; those of unknown cost last; as they were given where costs are equal."""
    if not len(usd):
        return list(range(usd.shape[1]))
    return [int(place) for place in np.argsort(np.nan_to_num(usd, nan=_UNKNOWN).mean(axis=0), kind="stable")]


def _widths(low: Floats, high: Floats, width: Width) -> Floats:
    """NaN where there is no interval."""
    with np.errstate(invalid="ignore", divide="ignore"):
        wide: Floats = high - low if width == "dollars" else np.log(high / low)
    return wide


def _goes_on(price: Floats, wide: Floats, limits: Floats) -> Mask:
    """The rows (n,) with no answer or with a width above a limit; with limits (m, 1) for each of them, (m, n)."""
    goes_on: Mask = (wide > limits) | ~np.isfinite(price)
    return goes_on


def _losses(prices: Floats, truth: Floats) -> Floats:
    """Absolute errors ($) of (n, members) prices; the whole price where there is no answer."""
    return np.abs(np.nan_to_num(prices) - truth[:, None])


class _Followed(NamedTuple):
    answered_by: npt.NDArray[np.intp]  # place in the chain
    loss: Floats
    usd: Floats


def _follow(chain: Chain, answers: Answers, truth: Floats) -> _Followed:
    """Each row through a chain: it keeps the last answer that it got, or the mean of all."""
    rows = np.arange(len(truth))
    asked = np.ones(len(truth), dtype=bool)
    by, price, usd = np.zeros(len(truth), dtype=np.intp), np.full(len(truth), np.nan), np.zeros(len(truth))
    number = np.zeros(len(truth), dtype=np.intp)
    for stage, member in enumerate(chain.members):
        said = answers.price[rows, member]
        takes = asked & np.isfinite(said)
        by, price = np.where(takes, stage, by), heard(chain.keeps, price, number, np.where(takes, said, np.nan))
        number = number + takes
        usd = usd + np.where(asked, np.nan_to_num(answers.usd[:, member], nan=_UNKNOWN), 0.0)
        asked = asked & chain.goes_on(stage, said, answers.low[:, member], answers.high[:, member])
    return _Followed(by, _losses(price[:, None], truth)[:, 0], usd)


class _Policies(NamedTuple):
    """Every chain with every pair of limits on a grid, side by side."""

    chains: list[Chain]
    loss: Floats  # (p,) mean, $
    usd: Floats  # (p,) mean


def _policies(answers: Answers, truth: Floats, order: Sequence[int]) -> _Policies:
    made = [
        _side_by_side(answers, truth, members, width, keeps)
        for members in _sequences(order)
        for width in (WIDTHS if len(members) > 1 else WIDTHS[:1])
        for keeps in (KEEPS if len(members) > 1 else KEEPS[:1])
    ]
    chains = [chain for each in made for chain in each.chains]
    return _Policies(chains, *(np.concatenate([each[column] for each in made]) for column in (1, 2)))


def _side_by_side(answers: Answers, truth: Floats, members: tuple[int, ...], width: Width, keeps: Keeps) -> _Policies:
    """One sequence of members with every combination of limits; `_follow` says the same of one chain at a time."""
    n, (*first, last) = len(truth), members
    grids = [_limits(answers, member, width) for member in first]
    kept, number = np.full(n, np.nan), np.zeros(n, dtype=np.intp)
    reach = np.ones((1, n))  # (p, n): which rows get to this stage
    loss, usd = np.zeros(1), np.zeros(1)
    for place, member in enumerate(members):
        said = answers.price[:, member]
        kept, number = heard(keeps, kept, number, said), number + np.isfinite(said)
        off = _losses(kept[:, None], truth)[:, 0]
        usd = usd + reach @ np.nan_to_num(answers.usd[:, member], nan=_UNKNOWN)
        if member == last:
            loss = loss + reach @ off
            break
        wide = _widths(answers.low[:, member], answers.high[:, member], width)
        goes_on = _goes_on(said, wide, np.array(grids[place])[:, None])  # (limits, n)
        stays = (reach[:, None, :] * ~goes_on).reshape(-1, n)
        loss = np.repeat(loss, len(goes_on)) + stays @ off
        usd = np.repeat(usd, len(goes_on))
        reach = (reach[:, None, :] * goes_on).reshape(-1, n)
    chains = [Chain(members, limits, width, keeps) for limits in itertools.product(*grids)]
    # Rounded, so that chains which do the same are equal and the shortest of them wins.
    return _Policies(chains, np.round(loss / n, 9), np.round(usd / n, 15))


def _sequences(order: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All chains of one to LONGEST members, cheaper before dearer."""
    for length in range(1, LONGEST + 1):
        yield from itertools.combinations(order, length)


def _limits(answers: Answers, member: int, width: Width) -> list[float]:
    """Limits on the width of a member's intervals that let 0, 5, ... 100 % of its answers go on; where it gives no
    interval, its answers stay."""
    wide = _widths(answers.low[:, member], answers.high[:, member], width)
    known = wide[np.isfinite(wide) & np.isfinite(answers.price[:, member])]
    if not len(known):
        return [np.inf]
    return [np.inf, *np.unique(np.quantile(known, 1 - _SHARES[1:-1])).tolist(), 0.0]


def _choose(answers: Answers, truth: Floats, aims: Sequence[Aim], order: Sequence[int]) -> list[Chain]:
    policies = _policies(answers, truth, order)
    return [policies.chains[_best(policies, aim, answers, truth)] for aim in aims]


def _best(policies: _Policies, aim: Aim, answers: Answers, truth: Floats) -> int:
    """The place of the policy that serves an aim; where none reaches it, the one that comes nearest."""
    loss, usd = policies.loss, policies.usd
    if aim.usd_per_1000 is not None:
        affordable = usd <= aim.usd_per_1000 / 1000 * (1 + 1e-9)
        return _first(loss, usd, affordable) if affordable.any() else _first(usd, loss)
    if aim.mae is not None:
        good = loss <= aim.mae
        return _first(usd, loss, good) if good.any() else _first(loss, usd)
    best = _first(loss, usd)
    reference = _follow(policies.chains[best], answers, truth).loss
    cheapest = np.lexsort((loss, usd))
    falling = cheapest[loss[cheapest] <= np.minimum.accumulate(loss[cheapest])]  # none is cheaper and better
    for place in falling:
        off = _follow(policies.chains[place], answers, truth).loss - reference
        if off.mean() <= off.std(ddof=1) / np.sqrt(len(off)):  # the rule of one standard error (Breiman et al. 1984)
            return int(place)
    return best


def _first(value: Floats, then: Floats, among: Mask | None = None) -> int:
    """The place of the least value, of equals that with the least of `then`."""
    kept = value if among is None else np.where(among, value, np.inf)
    return int(np.lexsort((then, kept))[0])


def _budgets(answers: Answers) -> list[Aim]:
    """Budgets from what the cheapest member costs to what asking the dearest LONGEST of known cost about all does."""
    costs = sorted(cost for cost in answers.usd.mean(axis=0) if np.isfinite(cost))
    if not costs or costs[-1] <= 0:
        return []
    least, most = max(costs[0], costs[-1] / 1e6), sum(costs[-LONGEST:])
    return [Aim(usd_per_1000=1000 * float(usd)) for usd in np.geomspace(least, most, _POINTS)]


def _followed(chains: Sequence[Chain], answers: Answers, truth: Floats, folds: Folds) -> tuple[Floats, Floats]:
    """Loss ($) and cost ($) of each row by the chain of its fold."""
    loss, usd = np.empty(len(truth)), np.empty(len(truth))
    for number, chain in enumerate(chains):
        out = folds == number
        followed = _follow(chain, answers.take(out), truth[out])
        loss[out], usd[out] = followed.loss, followed.usd
    return loss, usd


def _curve(points: Sequence[tuple[Floats, Floats]], seed: int) -> tuple[Point, ...]:
    """A point for each budget with the band of its error; budgets that bought the same are one point."""
    if not points:
        return ()
    loss = np.stack([each for each, _ in points], axis=1)
    groups = resampling.alone(len(loss))
    drawn = np.concatenate([resampling.means(loss)(block) for block in resampling.weights(groups, _RESAMPLES, seed)])
    made: dict[float, Point] = {}
    for place, (each, usd) in enumerate(points):
        low, high = resampling.interval(drawn[:, place], float(each.mean()))
        cost = 1000 * float(usd.mean())
        made.setdefault(round(cost, 12), Point(cost, float(each.mean()), low, high))
    return tuple(sorted(made.values(), key=lambda point: point.usd_per_1000))


def _missed(aim: Aim, mae: float, usd_per_1000: float) -> str:
    if aim.usd_per_1000 is not None and usd_per_1000 > aim.usd_per_1000 * (1 + 1e-6):
        return f"No member is as cheap as ${aim.usd_per_1000:,.6g} per 1,000 rows: the cheapest answers."
    if aim.mae is not None and mae > aim.mae:
        return f"No chain has a mean error as low as {amounts.price(aim.mae)} on validation rows: the best is taken."
    return ""
