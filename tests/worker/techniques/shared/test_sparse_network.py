"""The network over sparse features: right gradients, learns what no line can say, the same from the same seed."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from worker.techniques.shared.sparse_network import SparseNetwork, learn

RNG = np.random.default_rng(3)


def _sparse(rows: int, columns: int) -> csr_matrix:
    return csr_matrix((RNG.random((rows, columns)) * (RNG.random((rows, columns)) < 0.4)).astype(np.float32))


def _loss(network: SparseNetwork, features: csr_matrix, targets) -> float:
    return float(np.mean((network(features).astype(np.float64) - targets) ** 2) / 2)


def test_gradients_are_what_small_changes_of_each_weight_do():
    features, targets = _sparse(20, 6), RNG.normal(size=20).astype(np.float32)
    network = SparseNetwork.drawn(6, (5, 4), np.random.default_rng(0))
    network.layers = [(weights.astype(float), bias.astype(float) + 0.1) for weights, bias in network.layers]  # type: ignore[misc]
    for layer, *gradients in network.gradients(features, targets):
        for part, gradient in zip(network.layers[layer], gradients, strict=True):
            for place in np.ndindex(part.shape):
                before, part[place] = part[place], part[place] + 1e-3
                above = _loss(network, features, targets)
                part[place] = before - 1e-3
                below = _loss(network, features, targets)
                part[place] = before
                assert gradient[place] == pytest.approx((above - below) / 2e-3, abs=2e-4)


def test_two_words_that_only_together_change_the_price_are_learned():
    words = RNG.random((600, 2)) < 0.5
    features = csr_matrix(np.hstack([words, np.ones((600, 1))]).astype(np.float32))
    targets = np.where(words[:, 0] ^ words[:, 1], 1, -1).astype(np.float32)
    rng = np.random.default_rng(1)
    network = SparseNetwork.drawn(3, (16, 16), rng)
    steps = list(learn(network, features, targets, rate=0.01, epochs=6, batch=8, rng=rng))
    assert _loss(network, features, targets) < 0.01  # the best line leaves 0.5
    assert sum(steps) == 6 * 600
    assert max(steps) == 8 * 2**5


def test_what_is_kept_says_the_same_within_a_thousandth():
    features = _sparse(50, 30)
    network = SparseNetwork.drawn(30, (8, 8), np.random.default_rng(0))
    assert SparseNetwork.kept(network.to_keep())(features) == pytest.approx(network(features), abs=2e-3)
