"""What a head that says a price in place of words must be able to do, for trainings and for a model that answers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Self

import torch
from torch import nn

from worker.llm.base import Reading, Readout, Spent


class PriceHead(nn.Module, ABC):
    """Reads hidden states (B, H) of the last prompt token; its weights are kept in a file beside the LoRA weights."""

    @abstractmethod
    def __init__(self, width: int) -> None:
        """`width`: H, the length of a hidden state."""
        super().__init__()

    @classmethod
    @abstractmethod
    def of(cls, weights: Mapping[str, torch.Tensor]) -> Self:
        """A head with these weights, as `state_dict` gave them, ready to be read from."""

    @property
    @abstractmethod
    def width(self) -> int:
        """H, the length of a hidden state."""

    @abstractmethod
    def start(self, log_prices: torch.Tensor) -> None:
        """Begin with what the train side's log prices (N,) say of a product of which nothing is known."""

    @abstractmethod
    def loss(self, hidden: torch.Tensor, log_prices: torch.Tensor) -> torch.Tensor:
        """Mean loss of what is said of (B, H) hidden states against (B,) log prices."""

    @abstractmethod
    def readings(self, hidden: torch.Tensor, readout: Readout, spent: Sequence[Spent]) -> list[Reading]:
        """One reading per row of (B, H) hidden states, within the readout's range of prices."""
