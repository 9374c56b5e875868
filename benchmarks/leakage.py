"""How many planted leaks of each kind a search finds in a table, and how many rows it suspects that nobody planted.

`python -m benchmarks.leakage FILE [copies] [known]`: known caps the items that are embedded, because a core embeds some
50 a second.
"""

import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.priced_items import priced_items
from worker.evaluation import leakage, planted_leaks, told_prices
from worker.evaluation.leakage import NEAR, REWORDED, SAME, TOLD
from worker.knowledge.index import embedder, texts_of
from worker.progress import Silent

SEED = 5  # other copies than those that a search plants to calibrate itself
NEIGHBOURS = 5


def main() -> None:
    path, copies = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    cap = int(sys.argv[3]) if len(sys.argv) > 3 else 3_000
    items = priced_items(path)
    known, test = (items.filter(pl.col("split") == side) for side in ("train", "test"))
    print(f"{path.name}: {len(known):,} known, {len(test):,} test rows; {copies} leaks planted of each kind")
    print("kind             planted found   others suspected (of test rows)   told by accident   seconds")
    leaked = known.sample(copies, seed=SEED)
    started = time.perf_counter()
    _tell(SAME, leakage.same(_with(test, planted_leaks.same(leaked, SEED)), known), copies, test, None, started)

    started = time.perf_counter()
    calibrating = planted_leaks.nearly(leakage.sample(known, 0), 0)
    near, limit = leakage.near(_with(test, planted_leaks.nearly(leaked, SEED)), known, calibrating)
    _tell(NEAR, near, copies, test, limit.by_accident * len(test), started)

    started = time.perf_counter()
    told = leakage.telling(_with(test, planted_leaks.told(leaked, SEED)))
    _tell(TOLD, told, copies, test, told_prices.by_accident(test), started)

    started = time.perf_counter()
    if len(known) > cap:  # its originals are kept
        known = pl.concat([known.sample(cap, seed=1), leaked]).unique("key", maintain_order=True)
    asked = _with(test.head(cap // 3), planted_leaks.reworded(leaked, SEED))
    vectors = embedder().embed(texts_of(known), Silent())
    originals = leakage.sample(known, 0)
    again = planted_leaks.reworded(originals, 0).with_columns(row=-1 - pl.int_range(pl.len(), dtype=pl.Int64))
    found = leakage.likeness(_nearest(again, known, vectors), again, known)
    right = again.select("row", "key").join(found, on="row")
    others = leakage.sample(known, 1)
    apart = leakage.likeness(_nearest(others, known, vectors, apart=True), others, known)
    limit = leakage.threshold(
        REWORDED, right.select("score", is_right=pl.col("key") == pl.col("known")), apart["score"]
    )
    suspects = leakage.reworded(leakage.likeness(_nearest(asked, known, vectors), asked, known), limit)
    _tell(REWORDED, suspects, copies, test.head(cap // 3), limit.by_accident * min(len(test), cap // 3), started)


def _with(test: pl.DataFrame, planted: pl.DataFrame) -> pl.DataFrame:
    """Test rows and planted ones, which have numbers below 0."""
    return pl.concat([test, planted.with_columns(row=-1 - pl.int_range(pl.len(), dtype=pl.Int64))])


def _nearest(asking: pl.DataFrame, known: pl.DataFrame, vectors: np.ndarray, *, apart: bool = False) -> pl.DataFrame:
    """row, neighbour, similarity, title of the known items nearest by meaning; `apart`: none of the same group."""
    cosine = embedder().embed(texts_of(asking), Silent()) @ vectors.T
    if apart:
        cosine[asking["group_id"].to_numpy()[:, None] == known["group_id"].to_numpy()[None, :]] = -1
    best = np.argsort(-cosine, axis=1)[:, :NEIGHBOURS]
    places = best.ravel()
    return pl.DataFrame(
        {
            "row": np.repeat(asking["row"].to_numpy(), best.shape[1]),
            "neighbour": known["key"].gather(places),
            "similarity": np.take_along_axis(cosine, best, axis=1).ravel().astype(float),
            "title": known["title"].gather(places),
        }
    )


def _tell(
    kind: str, suspects: pl.DataFrame, copies: int, test: pl.DataFrame, accident: float | None, started: float
) -> None:
    found = suspects.filter(pl.col("row") < 0)["row"].n_unique() / copies
    others = suspects.filter(pl.col("row") >= 0)["row"].n_unique()
    expected = "-" if accident is None else f"{accident:.0f}"
    seconds = time.perf_counter() - started
    print(f"{kind:16} {found:13.1%}   {others:16,} of {len(test):,}   {expected:>16}   {seconds:7.1f}", flush=True)


if __name__ == "__main__":
    main()
