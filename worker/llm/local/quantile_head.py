"""A small head that turns a hidden state into quantiles of the log price: a price with an interval."""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import torch
from torch import nn

from worker.llm.base import LEVELS, Reading, Readout, Spent
from worker.llm.local.price_head import PriceHead
from worker.llm.price_reading import Floats

HEAD_LEVELS = (0.05, 0.15, 0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 0.95)
"""Quantiles that the head says; LEVELS are among them."""

_DRAWN = 200  # equally likely points that stand for a distribution

assert set(LEVELS) <= set(HEAD_LEVELS)


class QuantileHead(PriceHead):
    """(B, H) hidden states of the last prompt token -> (B, len(HEAD_LEVELS)) rising quantiles of log price ($).

    The median is a linear function; the steps to both sides are positive, so quantiles never cross.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.normal = nn.LayerNorm(width)
        self.out = nn.Linear(width, len(HEAD_LEVELS))
        nn.init.zeros_(self.out.weight)

    def start(self, log_prices: torch.Tensor) -> None:
        """Begin with the quantiles of the train side's log prices (N,): what is said of a product of which nothing
        is known."""
        levels = torch.tensor(HEAD_LEVELS, dtype=torch.float64)
        found = torch.quantile(log_prices.double(), levels)
        middle = len(HEAD_LEVELS) // 2
        steps = found.diff().clamp_min(1e-3)
        bias = torch.empty(len(HEAD_LEVELS), dtype=torch.float64)
        bias[0] = found[middle]
        bias[1:] = torch.log(torch.expm1(steps))  # the inverse of softplus
        with torch.no_grad():
            self.out.bias.copy_(bias)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        raw = self.out(self.normal(hidden.to(self.out.weight.dtype)))
        middle = len(HEAD_LEVELS) // 2
        steps = nn.functional.softplus(raw[:, 1:])
        below = raw[:, :1] - steps[:, :middle].flip(1).cumsum(1).flip(1)
        above = raw[:, :1] + steps[:, middle:].cumsum(1)
        return torch.cat([below, raw[:, :1], above], 1)

    @property
    def width(self) -> int:
        return len(self.normal.weight)

    def loss(self, hidden: torch.Tensor, log_prices: torch.Tensor) -> torch.Tensor:
        return pinball(self(hidden), log_prices)

    def readings(self, hidden: torch.Tensor, readout: Readout, spent: Sequence[Spent]) -> list[Reading]:
        logs = self(hidden).double().cpu().numpy()
        return quantile_readings(logs, readout.bounds.lowest, readout.bounds.highest, spent)

    @classmethod
    def of(cls, weights: Mapping[str, torch.Tensor]) -> Self:
        head = cls(weights["normal.weight"].shape[0])
        head.load_state_dict(dict(weights))
        return head.eval()


def pinball(quantiles: torch.Tensor, log_prices: torch.Tensor) -> torch.Tensor:
    """Mean pinball loss of (B, L) quantiles against (B,) log prices: least when each is the quantile it claims to be.

    Koenker and Bassett, Regression Quantiles, Econometrica 46 (1978).
    """
    levels = torch.tensor(HEAD_LEVELS, device=quantiles.device, dtype=quantiles.dtype)
    over = log_prices[:, None].to(quantiles.dtype) - quantiles
    return torch.maximum(levels * over, (levels - 1) * over).mean()


def quantile_readings(logs: Floats, min_price: float, max_price: float, spent: Sequence[Spent]) -> list[Reading]:
    """One reading per row of `logs`, (n, len(HEAD_LEVELS)) rising quantiles of log price.

    Between the levels, and beyond the outermost two, log price is taken to be linear in the normal score of the level
    (so a bell curve is met exactly). The means are over _DRAWN equally likely points of that. What lies outside the
    range of prices counts as its end.
    """
    drawn = _dollars(logs @ _SPREAD, min_price, max_price)
    levels = _dollars(logs[:, [HEAD_LEVELS.index(level) for level in LEVELS]], min_price, max_price)
    middle, means = levels[:, LEVELS.index(0.5)], drawn.mean(1)
    log_means = _dollars(np.log(drawn).mean(1), min_price, max_price)
    return [
        Reading(
            cost,
            statistics={"median": float(middle[i]), "log-mean": float(log_means[i]), "mean": float(means[i])},
            quantiles=tuple(map(float, levels[i])),
        )
        for i, cost in enumerate(spent)
    ]


def _dollars(logs: Floats, min_price: float, max_price: float) -> Floats:
    """Prices of log prices, held in the range; before exp, so that none is infinite, and after it, for the rounding."""
    held: Floats = np.clip(np.exp(np.clip(logs, np.log(min_price), np.log(max_price))), min_price, max_price)
    return held


def _spread() -> Floats:
    """(len(HEAD_LEVELS), _DRAWN): quantiles at HEAD_LEVELS times this are quantiles at equally spaced levels."""
    known = _normal_scores(np.asarray(HEAD_LEVELS))
    wanted = _normal_scores((np.arange(_DRAWN) + 0.5) / _DRAWN)
    left = np.clip(np.searchsorted(known, wanted) - 1, 0, len(known) - 2)
    share = (wanted - known[left]) / (known[left + 1] - known[left])
    out = np.zeros((len(known), _DRAWN))
    out[left, np.arange(_DRAWN)] = 1 - share
    out[left + 1, np.arange(_DRAWN)] += share
    return out


def _normal_scores(levels: Floats) -> Floats:
    scores: Floats = torch.special.ndtri(torch.from_numpy(levels)).numpy()
    return scores


_SPREAD = _spread()
