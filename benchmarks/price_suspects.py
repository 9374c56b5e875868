"""How many planted price errors of each kind stand in the first 1 % of the ranked list of suspects.

`python -m benchmarks.price_suspects FILE [errors]`. The errors are planted one kind at a time among the train and
validation prices, as many as a quarter of the list unless said; real errors of the file compete with them.
"""

import sys
import time
from pathlib import Path

import polars as pl

from benchmarks.priced_items import priced_items
from worker.evaluation import planted_price_errors, price_suspects
from worker.price_check import guesses
from worker.progress import Silent


def main() -> None:
    items = priced_items(Path(sys.argv[1])).filter(pl.col("split") != "test")
    first = max(price_suspects.FEWEST, round(price_suspects.SHARE * len(items)))
    count = int(sys.argv[2]) if len(sys.argv) > 2 else max(2, first // 4)
    print(f"{Path(sys.argv[1]).name}: {len(items):,} prices, the first 1 % are {first}; {count} errors of each kind")
    print("kind             in the first 1 %   likely price within 20 % of the true   seconds")
    prices = items["price"].to_numpy().astype(float)
    predictors = guesses.Predictors(items, Silent())
    for kind in planted_price_errors.KINDS:
        started = time.perf_counter()
        spoiled, places = planted_price_errors.planted(prices, kind, count, seed=1)
        asked = items.with_columns(price=pl.Series(spoiled))
        suspects = price_suspects.find(asked, predictors.guesses(spoiled), predictors.near)
        truth = pl.DataFrame({"row": items["row"].gather(places), "truth": prices[places]})
        met = suspects.join(truth, on="row")
        right = met.filter((pl.col("likely") / pl.col("truth") - 1).abs() <= 0.2)
        share = len(met) / max(1, len(places))
        told = len(right) / max(1, len(met))
        print(f"{kind:16} {share:16.0%}   {told:36.0%}   {time.perf_counter() - started:7.1f}", flush=True)


if __name__ == "__main__":
    main()
