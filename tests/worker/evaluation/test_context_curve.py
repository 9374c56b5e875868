"""The point of diminishing returns is the shortest context that is not shown to be worse."""

import numpy as np
import polars as pl

from worker.evaluation import compare, context_curve

KS = {11: 0, 12: 1, 13: 3, 14: 10}
TOKENS = {11: 100.0, 12: 160.0, 13: 280.0, 14: 700.0}


def jobs(errors: dict[int, float], n: int = 300) -> pl.DataFrame:
    """Each job is off by a mean of so many dollars, noise of its own on top."""
    random = np.random.default_rng(3)
    return pl.concat(
        pl.DataFrame(
            {
                "job_id": [job] * n,
                "row": list(range(n)),
                "group_id": list(range(n)),
                "truth": [100.0] * n,
                "price": 100.0 + error + random.normal(0, 2, n),
                "status": ["ok"] * n,
                "usd": [0.001 * job] * n,
                "saved_usd": [0.0] * n,
                "tokens_in": [100] * n,
                "tokens_out": [5] * n,
                "seconds": [0.1] * n,
            }
        )
        for job, error in errors.items()
    )


def test_the_smallest_k_that_ties_with_the_best_is_enough() -> None:
    lines = context_curve.curve(compare.table(jobs({11: 40, 12: 30, 13: 20.1, 14: 20})), KS, TOKENS)
    assert lines["k"].to_list() == [0, 1, 3, 10]
    assert lines.schema == pl.Schema(context_curve.COLUMNS)
    assert lines.filter("is_enough")["k"].to_list() == [3]
    assert lines["prompt_tokens"].to_list() == [100, 160, 280, 700]
    assert lines["gain_per_1000_tokens"][0] is None
    assert 140 < lines["gain_per_1000_tokens"][1] < 190
    assert "3 examples (280 tokens" in context_curve.sentence(lines)


def test_when_more_context_helps_all_the_way_the_longest_is_enough() -> None:
    lines = context_curve.curve(compare.table(jobs({11: 40, 12: 30, 13: 20, 14: 10})), KS, TOKENS)
    assert lines.filter("is_enough")["k"].to_list() == [10]
    assert "no other length has a smaller error" in context_curve.sentence(lines, "neighbours")


def test_with_too_few_rows_no_length_is_called_enough() -> None:
    lines = context_curve.curve(compare.table(jobs({11: 40, 12: 1}, n=5)), KS, TOKENS)
    assert lines["is_enough"].to_list() == [False, False]
    assert context_curve.sentence(lines) == "Too few rows were priced to say."


def test_nothing_priced_says_so() -> None:
    rows = jobs({11: 1, 12: 2}).with_columns(price=pl.lit(None, pl.Float64), status=pl.lit("unparsed"))
    lines = context_curve.curve(compare.table(rows), KS, TOKENS)
    assert lines["is_enough"].to_list() == [False, False]
    assert context_curve.sentence(lines).startswith("Nothing was priced")
