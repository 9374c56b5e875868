"""How much one table resembles another: the columns that are filled, the categories, the words of titles."""

from dataclasses import dataclass

import polars as pl

from worker.evaluation.shingles import normalised

FIELDS = ("title", "description", "category", "brand")

LEAST = 0.3
"""Score below which a table resembles another one too little to learn from."""


@dataclass(frozen=True, slots=True)
class Resemblance:
    """What a table shares with another one."""

    fields: tuple[str, ...]  # that are filled in the table
    shared: tuple[str, ...]  # of them, those that are filled in the other one
    categories: float | None  # share of the table's rows whose category the other one knows; None: it has none
    words: float  # share of the different words of its titles that occur in the other one's

    @property
    def score(self) -> float:
        """0 to 1: the mean of what is known."""
        columns = len(self.shared) / len(self.fields) if self.fields else 0.0
        known = [columns, self.words, *([] if self.categories is None else [self.categories])]
        return sum(known) / len(known)

    def sentence(self, name: str) -> str:
        """What a table shares with `name`."""
        said = [f"{name} has {len(self.shared)} of its {len(self.fields)} columns"]
        if self.categories is not None:
            said.append(f"the category of {self.categories:.0%} of its rows")
        return ", ".join(said) + f" and {self.words:.0%} of the words of its titles"


def of(table: pl.DataFrame, other: pl.DataFrame) -> Resemblance:
    """What a table shares with another one; both have the columns FIELDS, never null."""
    filled = tuple(field for field in FIELDS if _is_filled(table, field))
    categories = None
    if "category" in filled:
        there = _plain(other, "category").unique()
        own = _plain(table, "category")
        own = own.filter(own != "")
        categories = float(own.is_in(there.implode()).mean() or 0.0)  # type: ignore[arg-type]
    words, known = _words(table), _words(other)
    return Resemblance(
        fields=filled,
        shared=tuple(field for field in filled if _is_filled(other, field)),
        categories=categories,
        words=float(words.is_in(known.implode()).mean() or 0.0) if len(words) else 0.0,  # type: ignore[arg-type]
    )


def _is_filled(frame: pl.DataFrame, field: str) -> bool:
    return bool((_plain(frame, field) != "").any())


def _plain(frame: pl.DataFrame, field: str) -> pl.Series:
    return frame[field].str.strip_chars().str.to_lowercase()


def _words(frame: pl.DataFrame) -> pl.Series:
    words = normalised(frame["title"]).str.split(" ").explode().drop_nulls().unique()
    return words.filter(words != "")
