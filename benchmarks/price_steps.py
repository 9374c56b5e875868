"""How wrong a local model is on the same products in cents, dollars and prices of six digits, as it reads them and
recalibrated on validation rows.

    python -m benchmarks.price_steps FILE [--dataset NAME] [--scales 1,0.01,1000] [--rows 150] [--model smollm2-135m]

FILE is a CSV or Parquet with title, description and price; `--dataset` takes the rows of one value of its column
dataset. The table's prices are multiplied by each scale, so that the products, the examples and the true order of
prices stay and only the range and the step change; what was learned from and the bounds follow from the other rows.
Rows, validation rows and examples are drawn once, and nothing is chosen on the rows.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from worker.evaluation.recalibration import learn
from worker.llm.base import Prompt, Readout
from worker.llm.local.model import LocalModel
from worker.progress import Silent
from worker.specs.price_bounds import Bounds, covering, places_for

SHOWN = 5
LETTERS = 300
DRAWS = 2_000

Floats = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.price_steps")
    parser.add_argument("file", type=Path)
    parser.add_argument("--dataset", default="")
    parser.add_argument("--scales", default="1,0.01,1000", help="the first is what the others are compared with")
    parser.add_argument("--rows", type=int, default=150)
    parser.add_argument("--validation", type=int, default=100)
    parser.add_argument("--model", default="smollm2-135m")
    chosen = parser.parse_args()
    table = _table(chosen.file, chosen.dataset)
    print(
        f"{chosen.model}, {chosen.rows} rows of {chosen.dataset or chosen.file.name} ({len(table):,} with a price), "
        f"{SHOWN} examples in every prompt, {chosen.validation} validation rows"
    )
    model, first = LocalModel(chosen.model), dict[str, Floats]()
    for scale in map(float, chosen.scales.split(",")):
        known = _scaled(table, scale)
        asked, shown = known.head(chosen.rows + chosen.validation), known.tail(SHOWN)
        rest = known.slice(len(asked))["price"]
        bounds = _bounds(rest)
        said, truth = _said(model, asked, shown, bounds), asked["price"].to_numpy()
        test, judged = slice(0, chosen.rows), slice(chosen.rows, None)
        line = learn({"median": said[judged]}, truth[judged], recalibrate=True)
        guesses = {
            "one price for all": np.full(chosen.rows, float(rest.median())),  # type: ignore[arg-type]
            "as read": said[test],
            "recalibrated": line.apply(said[test], said[test], said[test])[0],
        }
        prices = said[test]
        print(
            f"x {scale:g}: {bounds}, {bounds.step}; prices {min(prices):,.9g} to {max(prices):,.9g}, "
            f"above 999: {np.mean(prices > 999):.0%}; line: intercept {line.intercept:.2f}, slope {line.slope:.2f}"
        )
        for name, guess in guesses.items():
            off = np.abs(guess - truth[test]) / truth[test]
            less = "" if name not in first else f"; less the first scale's {_difference(off, first[name])}"
            print(f"{name:>20}: median relative error {np.median(off):.3f}{less}", flush=True)
            first.setdefault(name, off)


OPENING, ASK = "A product from an online shop\n\n", "\n\nPrice: $"


def _table(file: Path, dataset: str) -> pl.DataFrame:
    """title, description, price of the rows that cost something, in an order drawn once."""
    table = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file, infer_schema=False)
    if dataset:
        table = table.filter(pl.col("dataset") == dataset)
    table = table.select("title", "description", pl.col("price").cast(pl.Float64, strict=False))
    return table.filter(pl.col("price") > 0).sample(fraction=1, seed=0, shuffle=True)


def _scaled(table: pl.DataFrame, scale: float) -> pl.DataFrame:
    """The table with other prices, in the steps of a shop: whole ones where a dollar is little of them."""
    scaled = table["price"] * scale
    places = 0 if scale > 1 else 2
    least = 10.0**-places
    return table.with_columns(price=pl.Series(np.maximum(least, scaled.round(places))))


def _said(model: LocalModel, asked: pl.DataFrame, shown: pl.DataFrame, bounds: Bounds) -> Floats:
    opening = "".join(f"{_page(text)}{bounds.spell(price)}\n\n\n" for text, price in _lines(shown))
    prompts = [Prompt(f"{opening}{OPENING}", text, ASK) for text, _ in _lines(asked)]
    return np.array([each.statistics["median"] for each in model.price(prompts, Readout(bounds=bounds), Silent())])


def _page(text: str) -> str:
    return f"{OPENING}{text}{ASK}"


def _lines(items: pl.DataFrame) -> list[tuple[str, float]]:
    text = pl.concat_str("title", pl.lit("\n"), pl.col("description").fill_null("")).str.slice(0, LETTERS)
    return items.select(text, "price").rows()


def _bounds(prices: pl.Series) -> Bounds:
    whole = bool((prices == prices.floor()).all())
    places = places_for(float(prices.median()), are_whole=whole)  # type: ignore[arg-type]
    return covering(float(prices.min()), float(prices.max()), places)  # type: ignore[arg-type]


def _difference(off: Floats, first: Floats) -> str:
    """The difference of two median errors on the same rows, with its 95 % interval over resampled rows."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(off), (DRAWS, len(off)))
    draws = np.median(off[drawn], 1) - np.median(first[drawn], 1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{np.median(off) - np.median(first):+.3f} ({low:+.3f} to {high:+.3f})"


if __name__ == "__main__":
    main()
