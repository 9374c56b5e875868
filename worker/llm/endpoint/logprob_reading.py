"""Reads the distribution over prices out of the probabilities of the tokens beside the path that an answer took.

The answer names one number. At each of its tokens the likeliest alternatives are known (20 at most). One that is no
digit ends the number there; one that is leaves the path, to a number whose further digits nobody saw. Approximations:

- Its mass is spread evenly over the numbers it can still become. How many digits those have is taken from the path:
  after k digits in all, a number ends as often there as at the place where the path had k digits. A place that the
  path never stopped at (tokens of several digits) counts as complete: tokenizers with such tokens write "45" as one.
- A number that left the path has the cents of the path's number; one that left it among the cents, its last ones.
- What is not among the alternatives is left out; the rest is scaled to 1.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from worker.llm.base import LEVELS, Statistic
from worker.specs.price_bounds import Bounds

Floats = npt.NDArray[np.float64]
Place = Sequence[object]
"""[token, log-probability, [[alternative, log-probability], ...]]; the token itself may be among the alternatives."""

_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_FIRST = re.compile(r"\d[\d,]*(?:\.\d+)?")
_NEXT = re.compile(r",?\d[\d,]*(?:\.\d+)?|\.\d+")
_CENTS = re.compile(r"\d+")
_LEAD = re.compile(r"[\s$€£¥￥₩₹₽₺₴₪฿₫₱\"'*:]*")
_MOST_SPREAD = 100_000  # numbers that one alternative is spread over


@dataclass(slots=True)
class _Path:
    """The knowledge at the places of the number's tokens."""

    ends: dict[int, float] = field(default_factory=dict)  # digits so far -> share of the mass that ends the number here
    leaves: list[tuple[int, int, float]] = field(default_factory=list)  # number so far, its digits, mass
    prices: list[tuple[float, float]] = field(default_factory=list)  # price, mass


def distribution(places: Sequence[Place], price: float, bounds: Bounds) -> tuple[Floats, Floats] | None:
    """(prices, probabilities), prices rising, probabilities summing to 1; None when the tokens don't tell.

    places: the whole answer's tokens. price: what the answer's text says, found again among the tokens. Only prices
    within the bounds count.
    """
    tokens = [str(place[0]) for place in places]
    text = "".join(tokens)
    span = next((m.span() for m in _NUMBER.finditer(text) if _value(m[0]) == price), None)
    if span is None:
        return None
    path = _walk(places, tokens, text, span, keeps_cents=bounds.places > 0)
    cents = price - math.floor(price)
    mass: dict[float, float] = {}
    for value, share in path.prices:
        mass[value] = mass.get(value, 0.0) + share
    for number, digits, share in path.leaves:
        _spread(mass, number, digits, share, path.ends, cents, bounds)
    kept = sorted((value, share) for value, share in mass.items() if bounds.holds(value) and share > 0)
    if not kept:
        return None
    prices, shares = np.array(kept).T
    return prices, shares / shares.sum()


def _walk(places: Sequence[Place], tokens: list[str], text: str, span: tuple[int, int], *, keeps_cents: bool) -> _Path:
    path, start, reach = _Path(), 0, 1.0  # reach: mass that is still on the path
    for i, place in enumerate(places):
        end = start + len(tokens[i])
        if end > span[0] and start <= span[1]:  # also the place right after the number: there it could have gone on
            so_far = text[span[0] : start] if start > span[0] else ""
            rest = text[min(end, span[1]) : span[1]] if keeps_cents and "." in so_far else ""
            reach = _branch(path, place, so_far, reach, rest, is_after=start >= span[1])
            if start >= span[1] or reach <= 0:
                break
            if end > span[1]:  # the token that ends the number says more: there is no place to look at after it
                path.prices.append((_value(text[slice(*span)]), reach))
                reach = 0.0
                break
        start = end
    else:
        if reach > 0:
            path.prices.append((_value(text[slice(*span)]), reach))
    return path


def _branch(path: _Path, place: Place, so_far: str, reach: float, rest: str, *, is_after: bool) -> float:
    """Books the alternatives at one place; returns the mass that goes on along the path. rest: cents of the path behind
    this place."""
    sampled = str(place[0])
    alternatives = _alternatives(place)
    total = ends = 0.0
    on = 0.0
    for token, probability in alternatives.items():
        share = reach * probability
        if token == sampled and not is_after:
            on += share
            total += share
            continue
        more = _more(token, so_far)
        if more is None:  # no number begins or goes on here
            if so_far:
                ends += share
                total += share
                path.prices.append((_value(so_far), share))
            continue
        total += share
        number = so_far.replace(",", "") + more
        if "." in number:
            path.prices.append((float(number + rest), share))
        else:
            path.leaves.append((int(number), len(number), share))
    whole = so_far.replace(",", "")
    if whole and "." not in whole and total > 0:
        path.ends[len(whole)] = ends / total if not sampled.startswith(".") or is_after else (ends + on) / total
    return on


def _alternatives(place: Place) -> dict[str, float]:
    """Token -> probability, the sampled one included."""
    likely = {str(place[0]): math.exp(min(0.0, float(place[1])))}  # type: ignore[arg-type]
    for token, logprob in place[2]:  # type: ignore[attr-defined]
        likely.setdefault(str(token), math.exp(min(0.0, float(logprob))))
    return likely


def _more(token: str, so_far: str) -> str | None:
    """The digits (perhaps with cents) that a token adds to the number; None when it ends it or has none."""
    if not so_far:
        token = _LEAD.sub("", token, count=1)
    pattern = _FIRST if not so_far else _CENTS if "." in so_far else _NEXT
    found = pattern.match(token)
    return found[0].replace(",", "") if found else None


def _spread(
    mass: dict[float, float], number: int, digits: int, share: float, ends: Mapping[int, float], cents: float,
    bounds: Bounds,
) -> None:  # fmt: skip
    """Spreads the mass of a number that left the path after so many digits: it ends, or has one more digit, and so
    on."""
    longest, width = max(ends, default=0), 1
    while share > 0:
        # Where the path only passed through (inside a token) a longer path says that no number ended.
        share_ending = ends.get(digits, 1.0 if width == 1 or digits > longest else 0.0)
        here = share * share_ending
        if here > 0:
            _evenly(mass, number, width, here, cents, bounds)
        share -= here
        number, digits, width = number * 10, digits + 1, width * 10
        if width > _MOST_SPREAD:
            break


def _evenly(mass: dict[float, float], first: int, n: int, share: float, cents: float, bounds: Bounds) -> None:
    begin, end = max(first, math.floor(bounds.lowest)), min(first + n, math.floor(bounds.highest) + 1)
    for dollars in range(begin, end):
        value = round(dollars + cents, 2)
        mass[value] = mass.get(value, 0.0) + share / n


def statistics(prices: Floats, shares: Floats) -> dict[Statistic, float]:
    """Every statistic of a distribution, in dollars."""
    return {
        "median": quantile(prices, shares, 0.5),
        "mean": float(prices @ shares),
        "log-mean": float(np.exp(shares @ np.log(prices))),
        "mode": float(prices[shares.argmax()]),
    }


def quantiles(prices: Floats, shares: Floats) -> tuple[float, ...]:
    """The dollars at LEVELS."""
    return tuple(quantile(prices, shares, level) for level in LEVELS)


def quantile(prices: Floats, shares: Floats, level: float) -> float:
    """The lowest price at or below which a share of at least `level` lies."""
    return float(prices[min(int((shares.cumsum() < level - 1e-9).sum()), len(prices) - 1)])


def likeliest(prices: Floats, shares: Floats, bounds: Bounds, best: int = 12) -> dict[str, float]:
    """{dollars: share} of the likeliest prices, to the dollar where the bounds have no cents, best first."""
    dollars, where = np.unique(prices if bounds.places else np.floor(prices), return_inverse=True)
    mass = np.bincount(where, weights=shares)
    top = np.argsort(-mass, kind="stable")[:best]
    return {f"{dollars[i]:.9g}": round(float(mass[i]), 3) for i in top if mass[i] >= 0.0005}


def _value(number: str) -> float:
    return float(number.replace(",", ""))
