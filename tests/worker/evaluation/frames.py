"""Long frames of predictions with known errors, for the tests of evaluation."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from hypothesis import strategies as st


def job(
    job_id: int,
    truth: Sequence[float | None],
    price: Sequence[float | None],
    *,
    usd: float = 1e-5,
    seconds: float = 0.01,
    category: Sequence[str] | None = None,
    group: Sequence[int] | None = None,
) -> pl.DataFrame:
    """One job's lines; a price of None is an answer that could not be read. `group`: near-duplicates share it."""
    return pl.DataFrame(
        {
            "job_id": [job_id] * len(truth),
            "row": list(range(len(truth))),
            "group_id": list(group) if group else list(range(len(truth))),
            "truth": list(truth),
            "price": list(price),
            "status": ["unparsed" if value is None else "ok" for value in price],
            "usd": [usd] * len(truth),
            "saved_usd": [0.0] * len(truth),
            "tokens_in": [0] * len(truth),
            "tokens_out": [0] * len(truth),
            "seconds": [seconds] * len(truth),
            "category": list(category) if category else [""] * len(truth),
        },
        schema_overrides={"truth": pl.Float64, "price": pl.Float64, "row": pl.Int64},
    )


def noisy(job_id: int, n: int, noise: float, *, seed: int = 0, usd: float = 1e-5, unread: float = 0.0) -> pl.DataFrame:
    """Guesses off by lognormal noise; the truths are the same for every job."""
    truth = np.exp(np.random.default_rng(99).normal(4, 1, n))
    random = np.random.default_rng([seed, job_id])
    price = truth * np.exp(random.normal(0, noise, n))
    read = random.random(n) >= unread
    return job(job_id, truth.tolist(), [p if ok else None for p, ok in zip(price.tolist(), read, strict=True)], usd=usd)


prices = st.floats(0.01, 100_000, allow_nan=False)


@st.composite
def comparisons(draw: st.DrawFn) -> pl.DataFrame:
    """One to four jobs on one to thirty items, some answers unreadable, some costs equal or zero."""
    n = draw(st.integers(1, 30))
    truth = draw(st.lists(prices, min_size=n, max_size=n))
    jobs = [
        job(
            number,
            truth,
            draw(st.lists(st.none() | prices, min_size=n, max_size=n)),
            usd=draw(st.sampled_from([0.0, 1e-6, 1e-3])),
        )
        for number in range(1, draw(st.integers(1, 4)) + 1)
    ]
    return pl.concat(jobs)
