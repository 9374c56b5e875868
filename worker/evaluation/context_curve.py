"""How much context is enough: error and cost against the length of the prompt, and where more no longer pays."""

from collections.abc import Mapping

import polars as pl

from worker import amounts

STEPS = (0, 1, 3, 5, 10, 20)
"""How many examples or neighbours a curve is measured at."""

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "k": pl.Int64,
    "job_id": pl.Int64,
    "prompt_tokens": pl.Float64,  # mean per item
    **dict.fromkeys(("mae", "mae_low", "mae_high"), pl.Float64),  # $
    "usd_per_1000": pl.Float64,
    **dict.fromkeys(("diff", "diff_low", "diff_high"), pl.Float64),  # $ to the best, paired
    "gain_per_1000_tokens": pl.Float64,  # $ of error that the step before this line saved, per 1,000 tokens of it
    "level": pl.Float64,  # of the intervals
    "is_enough": pl.Boolean,  # the point of diminishing returns; one line at most
}


def curve(compared: pl.DataFrame, ks: Mapping[int, int], prompt_tokens: Mapping[int, float]) -> pl.DataFrame:
    """One line per job, by k (COLUMNS), from the lines of `evaluation.compare.table`.

    ks: job -> examples or neighbours asked for; prompt_tokens: job -> mean tokens read per item.

    is_enough marks the smallest k whose error is not shown to be worse than that of the one ahead. More context than
    that costs tokens and has not been shown to help on these items; with more items a smaller difference could be
    shown, so the point depends on the size of the sample.
    """
    lines = (
        compared.filter(pl.col("job_id").is_in(list(ks)))
        .with_columns(
            k=pl.col("job_id").replace_strict(dict(ks), default=None, return_dtype=pl.Int64),
            prompt_tokens=pl.col("job_id").replace_strict(dict(prompt_tokens), default=None, return_dtype=pl.Float64),
        )
        .sort("k", "job_id")
    )
    longer = pl.col("prompt_tokens").diff()
    equal = pl.col("verdict").is_in(["best", "ahead", "tie"])
    first = lines.filter(equal)["k"].min() if len(lines) else None
    return lines.with_columns(
        gain_per_1000_tokens=pl.when(longer > 0).then(-pl.col("mae").diff() / longer * 1000),
        is_enough=(equal & (pl.col("k") == pl.lit(first, pl.Int64))).fill_null(False),
    ).select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())


def sentence(lines: pl.DataFrame, what: str = "examples") -> str:
    """What the curve says, for a reader. `what`: "examples" or "neighbours"."""
    enough = lines.filter("is_enough")
    if enough.is_empty():
        priced = lines["mae"].null_count() < len(lines)
        return "Too few rows were priced to say." if priced else "Nothing was priced, so nothing can be said."
    k, mae, tokens = enough.select("k", "mae", "prompt_tokens").row(0)
    best = lines.sort("mae", nulls_last=True).row(0, named=True)
    start = f"{k} {what} ({tokens:,.0f} tokens, MAE {amounts.price(mae, 1)}) are enough"
    if best["k"] == k:
        return f"{start}: no other length has a smaller error."
    gap = enough.row(0, named=True)
    if gap["diff_low"] > 0:
        return f"{start}: what {best['k']} save beyond that ({amounts.price(gap['diff'])}) is too little to matter."
    return (
        f"{start}: {best['k']} have the smallest error ({amounts.price(best['mae'], 1)}), but the difference of "
        f"{amounts.price(gap['diff'], 1)} ({amounts.level(gap['level'])} interval "
        f"{amounts.plain(gap['diff_low'], 1)} to {amounts.plain(gap['diff_high'], 1)}) is not shown to be real."
    )
