"""A small head that turns a hidden state into quantiles of the log price: a price with an interval."""

from collections.abc import Mapping

import torch
from torch import nn

from worker.llm.base import LEVELS

HEAD_LEVELS = (0.05, 0.15, 0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 0.95)
"""Quantiles that the head says; LEVELS are among them."""

HEAD_FILE = "head.safetensors"

assert set(LEVELS) <= set(HEAD_LEVELS)


class QuantileHead(nn.Module):
    """(B, H) hidden states of the last prompt token -> (B, len(HEAD_LEVELS)) rising quantiles of log price ($).

    The median is a linear function; the steps to both sides are positive, so quantiles never cross.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
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

    @classmethod
    def of(cls, weights: Mapping[str, torch.Tensor]) -> "QuantileHead":
        """A head with these weights, as `state_dict` gave them."""
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
