"""How wrong a local model is on the same products in cents, in whole dollars and in prices of six digits.

    python -m benchmarks.price_steps FILE [--rows 60] [--model smollm2-135m]

The table's prices are divided or multiplied by a power of ten, so that the products, the examples and the true order of
prices stay and only the range and the step change; what was learned from and the bounds follow from the other rows.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from worker.llm.base import Prompt, Readout
from worker.llm.local.model import LocalModel
from worker.progress import Silent
from worker.specs.price_bounds import Bounds, covering, places_for

SCALES = {"whole dollars": 1.0, "cents": 0.01, "six digits": 1_000.0}
SHOWN = 5
LETTERS = 300


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.price_steps")
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--model", default="smollm2-135m")
    chosen = parser.parse_args()
    table = pl.read_csv(chosen.file, infer_schema=False)
    table = table.with_columns(pl.col("price").cast(pl.Float64, strict=False)).filter(pl.col("price") >= 1)
    table = table.sample(len(table), seed=0, shuffle=True)
    items, shown, known = table.head(chosen.rows), table.tail(SHOWN), table.slice(chosen.rows)["price"]
    model = LocalModel(chosen.model)
    print(f"{chosen.model}, {len(items)} rows of {chosen.file.name}, {SHOWN} examples in every prompt")
    off: dict[str, np.ndarray] = {}
    for name, scale in SCALES.items():
        bounds = _bounds(known * scale)
        opening = "".join(f"{_page(text)}{bounds.spell(price * scale)}\n\n\n" for text, price in _lines(shown))
        prompts = [Prompt(f"{opening}{OPENING}", text, ASK) for text, _ in _lines(items)]
        prices = [reading.statistics["median"] for reading in model.price(prompts, Readout(bounds=bounds), Silent())]
        truth = items["price"].to_numpy() * scale
        off[name] = np.abs(np.array(prices) - truth) / truth
        low, high = _interval(off[name] - off["whole dollars"])
        print(
            f"{name:>14}: {bounds}, median relative error {np.median(off[name]):.3f}, less that of whole dollars "
            f"{np.median(off[name]) - np.median(off['whole dollars']):+.3f} (mean difference 95 % {low:+.3f} to "
            f"{high:+.3f}); prices {min(prices):,.9g} to {max(prices):,.9g}, "
            f"above 999: {np.mean(np.array(prices) > 999):.0%}",
            flush=True,
        )


OPENING, ASK = "A product from an online shop\n\n", "\n\nPrice: $"


def _page(text: str) -> str:
    return f"{OPENING}{text}{ASK}"


def _lines(items: pl.DataFrame) -> list[tuple[str, float]]:
    text = pl.concat_str("title", pl.lit("\n"), pl.col("description").fill_null("")).str.slice(0, LETTERS)
    return items.select(text, "price").rows()


def _bounds(prices: pl.Series) -> Bounds:
    whole = bool((prices == prices.floor()).all())
    places = places_for(float(prices.median()), are_whole=whole)  # type: ignore[arg-type]
    return covering(float(prices.min()), float(prices.max()), places)  # type: ignore[arg-type]


def _interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % of the mean over resampled rows."""
    rng = np.random.default_rng(0)
    means = differences[rng.integers(0, len(differences), (2000, len(differences)))].mean(1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


if __name__ == "__main__":
    main()
