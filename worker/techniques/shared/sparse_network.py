"""A small network over sparse features, on numpy alone: what it computes and how it learns.

No library for networks is loaded for it: three small layers over a sparse matrix are a few products, a fit and a price
need no more memory than the features, and the same seed gives the same bytes.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]

_BETAS = (0.9, 0.999)
_TINY = 1e-8


class SparseNetwork:
    """(n, columns) sparse -> (n,): layers of rectified units, then a linear one (a multilayer perceptron)."""

    def __init__(self, layers: Sequence[tuple[Floats, Floats]]) -> None:
        """`layers`: weights (inputs, outputs) and bias (outputs,) of each; the last has one output."""
        self.layers = list(layers)

    @classmethod
    def drawn(cls, columns: int, hidden: Sequence[int], rng: np.random.Generator) -> "SparseNetwork":
        """A network that has learned nothing (weights as Glorot and Bengio 2010 draw them)."""
        sizes = [columns, *hidden, 1]
        return cls([
            (rng.normal(0, np.sqrt(2 / (a + b)), (a, b)).astype(np.float32), np.zeros(b, dtype=np.float32))
            for a, b in pairwise(sizes)
        ])  # fmt: skip

    @classmethod
    def kept(cls, layers: Iterable[tuple[Halves, Halves]]) -> "SparseNetwork":
        """The network that `to_keep` gave."""
        return cls([(weights.astype(np.float32), bias.astype(np.float32)) for weights, bias in layers])

    def to_keep(self) -> list[tuple[Halves, Halves]]:
        """The layers in half precision: half the size, and prices move by less than a thousandth."""
        return [(weights.astype(np.float16), bias.astype(np.float16)) for weights, bias in self.layers]

    def __call__(self, features: csr_matrix) -> Floats:
        return self._values(features)[-1][:, 0]

    def gradients(self, features: csr_matrix, targets: Floats) -> Iterator[tuple[int, Floats, Floats]]:
        """Of half the mean squared error: (layer, of its weights, of its bias), the last layer first."""
        values = self._values(features)
        error = (values[-1] - targets[:, None]) / np.float32(len(targets))
        for layer in range(len(self.layers) - 1, -1, -1):
            weights, _ = self.layers[layer]
            inputs = values[layer - 1] if layer else features
            yield layer, np.asarray(inputs.T @ error, dtype=np.float32), error.sum(0)
            if layer:
                error = (error @ weights.T) * (inputs > 0)

    def _values(self, features: csr_matrix) -> list[Floats]:
        """What comes out of each layer, (n, outputs)."""
        out: list[Floats] = []
        inputs: csr_matrix | Floats = features
        for weights, bias in self.layers:
            values = np.asarray(inputs @ weights + bias, dtype=np.float32)
            out.append(values if len(out) == len(self.layers) - 1 else np.maximum(values, 0, out=values))
            inputs = out[-1]
        return out


class Adam:
    """Steps against a network's gradients (Kingma and Ba 2015)."""

    def __init__(self, network: SparseNetwork, rate: float) -> None:
        self._network, self._rate, self._steps = network, rate, 0
        self._moments = [[(np.zeros_like(part), np.zeros_like(part)) for part in layer] for layer in network.layers]

    def step(self, features: csr_matrix, targets: Floats) -> None:
        """Learn from one batch: (b, columns) features and (b,) targets."""
        self._steps += 1
        first, second = _BETAS
        rate = self._rate * np.sqrt(1 - second**self._steps) / (1 - first**self._steps)
        # All gradients before any weight moves: those of a lower layer are made from the weights above it.
        for layer, *gradients in list(self._network.gradients(features, targets)):
            for weights, gradient, moments in zip(
                self._network.layers[layer], gradients, self._moments[layer], strict=True
            ):
                _move(weights, gradient, *moments, np.float32(rate))


def _move(weights: Floats, gradient: Floats, mean: Floats, square: Floats, rate: np.float32) -> None:
    """One step in place, the gradient's memory used up: an array of millions is not made anew at each step."""
    first, second = _BETAS
    mean *= first
    mean += (1 - first) * gradient
    square *= second
    np.square(gradient, out=gradient)
    gradient *= 1 - second
    square += gradient
    np.sqrt(square, out=gradient)
    gradient += _TINY
    np.divide(mean, gradient, out=gradient)
    gradient *= rate
    weights -= gradient


def learn(
    network: SparseNetwork,
    features: csr_matrix,
    targets: Floats,
    *,
    rate: float,
    epochs: int,
    batch: int,
    rng: np.random.Generator,
) -> Iterator[int]:
    """Teach a network, step by step; gives the number of rows of each step. Batches double in size from epoch to epoch:
    that does what a falling rate does (Smith and others 2018) and takes less time."""
    adam = Adam(network, rate)
    for epoch in range(epochs):
        order, size = rng.permutation(len(targets)), batch * 2**epoch
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            adam.step(features[rows], targets[rows])
            yield len(rows)
