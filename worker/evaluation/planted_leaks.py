"""Copies of items as they leak in practice: the same, nearly the same, reworded, or with the price in the text.

What a search for leaks finds of copies that were planted says how much it would find of others.
"""

import numpy as np
import polars as pl


def same(items: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """Only case and punctuation differ."""
    del seed
    return items.with_columns(
        title=pl.col("title").str.to_uppercase() + " !", description=pl.col("description").str.replace_all(",", " ;")
    )


def nearly(items: pl.DataFrame, seed: int = 0, share: float = 0.1) -> pl.DataFrame:
    """One word in ten is gone from title and description (at least one of both), and a word is new."""
    random = np.random.default_rng(seed)

    def thinned(text: str) -> str:
        words = text.split()
        kept = [word for word in words if random.random() >= share]
        return " ".join(kept or words)

    return items.with_columns(
        title=pl.Series([f"{thinned(text)} new" for text in items["title"]], dtype=pl.String),
        description=pl.Series([thinned(text) for text in items["description"]], dtype=pl.String),
    )


def reworded(items: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """As another shop would list it: the title's words in another order with a fifth gone, and a third of the
    description's parts in another order."""
    random = np.random.default_rng(seed)

    def title(text: str) -> str:
        words = text.split()
        random.shuffle(words)
        return " ".join(words[: max(1, round(len(words) * 0.8))])

    def description(text: str) -> str:
        words = text.split()
        parts = [words[start : start + 8] for start in range(0, len(words), 8)]
        random.shuffle(parts)
        return " ".join(word for part in parts[: -(-len(parts) // 3)] for word in part)

    return items.with_columns(
        title=pl.Series([title(text) for text in items["title"]], dtype=pl.String),
        description=pl.Series([description(text) for text in items["description"]], dtype=pl.String),
    )


_FORMS = ("Only ${:,.2f}", "now {:.2f}", "{:.2f} USD", "was more, is $ {:.2f}", "{cents:d} cents")


def told(items: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """The price stands inside the description, written in one of several ways."""
    random = np.random.default_rng(seed)
    notes = [_FORMS[random.integers(len(_FORMS))].format(price, cents=round(price * 100)) for price in items["price"]]
    return items.with_columns(
        description=pl.col("description") + pl.Series([f" {note} while it lasts" for note in notes])
    )
