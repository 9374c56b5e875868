"""Nodes that pairs connect know the lowest node of their component, in whatever order and parts the pairs come."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from worker.ingest.duplicates import _Forest

NODES = 12
PAIRS = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=20)


def lowest(pairs):
    """By following each pair until nothing changes."""
    label = list(range(NODES))
    for _ in range(NODES):
        for a, b in pairs:
            label[a] = label[b] = min(label[a], label[b])
    return label


@given(st.lists(PAIRS, max_size=4))
def test_components_are_those_of_all_pairs(parts):
    forest = _Forest(NODES)
    for part in parts:
        left, right = np.array(part, dtype=np.int32).reshape(-1, 2).T
        forest.join(left, right)
    forest.flatten()
    assert forest.parent.tolist() == lowest([pair for part in parts for pair in part])


@given(st.lists(PAIRS, max_size=4))
def test_pairs_that_connected_something_are_enough(parts):
    forest = _Forest(NODES)
    kept: list[tuple[int, int]] = []
    for part in parts:
        left, right = np.array(part, dtype=np.int32).reshape(-1, 2).T
        joined = forest.join(left, right)
        kept += zip(left[joined].tolist(), right[joined].tolist(), strict=True)
    assert lowest(kept) == lowest([pair for part in parts for pair in part])
