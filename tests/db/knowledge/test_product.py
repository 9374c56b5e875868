"""The matrix product finds what comparing everything finds, whatever the blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.knowledge import product


@given(
    seed=st.integers(0, 2**32 - 1),
    known=st.integers(1, 90),
    asking=st.integers(1, 6),
    count=st.integers(1, 30),
    kinds=st.sampled_from([2, 1000]),
    block=st.sampled_from([1, 7, 64, 100]),
    groups=st.sampled_from([1, 8, 40]),
)
@settings(max_examples=150, deadline=None)
def test_the_nearest_are_those_of_sorting_all(seed, known, asking, count, kinds, block, groups):
    random = np.random.default_rng(seed)
    drawn = random.integers(-8, 9, (kinds, 4)) / 8  # exact in half precision, and so few that many are equal
    vectors = drawn[random.integers(0, kinds, known)].astype(np.float16)
    queries = drawn[random.integers(0, kinds, asking)].astype(np.float32)
    own = [(line, int(random.integers(0, known))) for line in range(asking) if random.random() < 0.5]
    count = min(count, known)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(product, "_BLOCK", block)
        patched.setattr(product, "_GROUPS", groups)
        own_line, own_known = (np.array([pair[i] for pair in own], dtype=np.int64) for i in range(2))
        line, place, alike = product._nearest(queries, vectors, count, own_line, own_known)
    every = queries @ vectors.astype(np.float32).T
    for pair in own:
        every[pair] = -np.inf
    wanted = np.argsort(-every, axis=1, kind="stable")[:, :count]
    assert line.tolist() == np.repeat(np.arange(asking), count).tolist()
    assert place.reshape(asking, count).tolist() == wanted.tolist()
    assert alike.tolist() == np.take_along_axis(every, wanted, 1).ravel().tolist()
