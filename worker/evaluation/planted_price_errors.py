"""Prices spoiled as they are in practice, one kind at a time, to see which a search for wrong prices finds."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from worker.evaluation.price_suspects import CURRENCIES

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
_APART = 5.0  # a swapped pair whose prices differ by less is hardly an error


def _times(factor: float) -> Callable[[Floats, Places, np.random.Generator], Floats]:
    def spoiled(prices: Floats, places: Places, random: np.random.Generator) -> Floats:
        del random
        return np.asarray(np.round(prices[places] * factor, 2).clip(0.01))

    return spoiled


def _currency(prices: Floats, places: Places, random: np.random.Generator) -> Floats:
    rates = np.array(list(CURRENCIES.values()))
    factors = random.choice(rates, len(places)) * random.uniform(0.95, 1.05, len(places))
    return np.asarray(np.round(prices[places] * factors, 2))


def _swap(prices: Floats, places: Places, random: np.random.Generator) -> Floats:
    """Halves of `places` trade prices, the cheapest of them with the dearest."""
    del random
    order = places[np.argsort(prices[places], kind="stable")]
    traded = dict(zip(order, prices[order[::-1]], strict=True))
    return np.array([traded[place] for place in places])


KINDS: dict[str, Callable[[Floats, Places, np.random.Generator], Floats]] = {
    "x10": _times(10),
    "/10": _times(0.1),
    "x100": _times(100),
    "other currency": _currency,
    "swapped": _swap,
}


def planted(prices: Floats, kind: str, count: int, seed: int) -> tuple[Floats, Places]:
    """Prices (n,) with `count` of them spoiled, and the places of those. Of a swapped pair the prices differ at least
    by a factor of 5."""
    random = np.random.default_rng([seed, list(KINDS).index(kind)])
    places = random.choice(len(prices), min(count, len(prices)), replace=False)
    if kind == "swapped":
        low, high = np.quantile(prices, [0.25, 0.75])
        cheap, dear = np.flatnonzero(prices <= low), np.flatnonzero(prices >= max(high, _APART * low))
        half = min(count // 2, len(cheap), len(dear))
        places = np.concatenate([random.choice(each, half, replace=False) for each in (cheap, dear)])
    spoiled = prices.copy()
    spoiled[places] = KINDS[kind](prices, places, random)
    return spoiled, places
