"""Test rows whose answer a technique could have seen: copies among what is known, titles in prompts, told prices.

How alike two items must be is not guessed. Copies of known items are planted, nearly the same or reworded, and the
similarity is taken that all but MISSED of them reach. How many rows would be that alike by accident is told by known
items of different groups: they resemble each other without having leaked.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors.numpy import load, save

from worker.evaluation import shingles, told_prices
from worker.evaluation.shingles import Codes, normalised

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SAME, NEAR, REWORDED, IN_PROMPT, TOLD = KINDS = ("same", "near", "reworded", "in prompt", "price in text")
"""The most telling first."""

SUSPECTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "kind": pl.String,
    "row": pl.Int64,  # of the test item
    "known": pl.String,  # key of its copy; null where there is none
    "score": pl.Float64,  # similarity between 0 and 1; 1 for what is the same, or told
    "evidence": pl.String,  # the words that tell the price, or the prompt's name; else ""
}
"""Columns of a frame of suspects: at most one line per kind and test row, for the most similar known item."""

MISSED = 0.03
"""Share of planted copies that may be less alike than the threshold."""

LEAST = {NEAR: 0.35, REWORDED: 0.5}
"""No threshold lies below: two texts with so little in common are no copies, whatever the calibration says."""

SAMPLE = 200
"""Known items that are planted as copies, and as many that are compared with those of other groups."""

_SHORTEST = 12  # letters of a normalised title that is searched for in prompts: "lamp" stands in many


@dataclass(frozen=True, slots=True)
class Threshold:
    """A similarity from which on two items are taken for one."""

    value: float  # infinite without anything to calibrate it on
    planted: int  # copies it was calibrated on
    found: float  # share of them that reaches it and is matched with its original
    by_accident: float  # share of known items that are so like one of another group


def threshold(kind: str, copies: pl.DataFrame, others: Sequence[float] | pl.Series | Floats) -> Threshold:
    """From planted copies, with `score` (similarity to what each was matched with) and `is_right` (that is its
    original), and from the similarity of known items to the most similar one of another group."""
    if copies.is_empty():
        return Threshold(float("inf"), 0, 0.0, 0.0)
    scores = copies["score"].to_numpy()
    value = max(LEAST[kind], float(np.quantile(scores, MISSED)))
    accidents = np.asarray(others, dtype=float)
    return Threshold(
        value,
        len(copies),
        float(((scores >= value) & copies["is_right"].to_numpy()).mean()),
        float((accidents >= value).mean()) if len(accidents) else 0.0,
    )


def sample(known: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Up to SAMPLE of the known items, the same for the same seed."""
    return known.sample(min(SAMPLE, len(known)), seed=seed)


def text_of(items: pl.DataFrame) -> pl.Series:
    """Title and description, normalised."""
    return normalised(items.select(pl.concat_str("title", "description", separator=" ")).to_series())


def same(test: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Suspects whose title and description are those of a known item (`key`) up to case and punctuation."""
    there = pl.DataFrame({"known": known["key"], "text": text_of(known)}).unique("text", keep="first")
    asking = pl.DataFrame({"row": test["row"], "text": text_of(test)}).filter(pl.col("text") != "")
    return _suspects(SAME, asking.join(there, on="text", maintain_order="left"))


def near(
    test: pl.DataFrame, known: pl.DataFrame, copies: pl.DataFrame, seed: int = 0
) -> tuple[pl.DataFrame, Threshold]:
    """Suspects that share most rare words and word pairs with a known item, and the threshold.

    known: with `key` and `group_id` (shared by near-duplicates; null: of its own). copies: planted ones, with the `key`
    of their original.
    """
    places, scores, limit = Known.of(known, copies, seed).near(text_of(test))
    alike = pl.DataFrame({"row": test["row"], "place": places, "score": scores}).filter(pl.col("place") >= 0)
    return _suspects(NEAR, alike.with_columns(known=known["key"].gather(alike["place"]))), limit


@dataclass(frozen=True, slots=True)
class Known:
    """What looking for copies of n known items needs of these: the same for all tables that are looked through."""

    texts: Codes  # of their different texts, rising
    shingles: shingles.Known
    keys_of_items: Codes  # (n,)
    labels: Ints  # (n,): shared by near-duplicates
    sampled: Ints  # places of those that are compared with others
    planted: pl.Series  # normalised texts of planted copies
    originals: Codes  # the key of each

    @classmethod
    def of(cls, known: pl.DataFrame, copies: pl.DataFrame, seed: int = 0) -> "Known":
        """Of known items and planted copies of them, as `near` has them."""
        texts, n = text_of(known), len(known)
        groups = known["group_id"].cast(pl.Int64).fill_null(-1).to_numpy()
        return cls(
            texts=np.unique(shingles.codes_of(texts.filter(texts != ""))),
            shingles=shingles.Known.of(texts),
            keys_of_items=shingles.codes_of(known["key"]),
            labels=np.where(groups < 0, -1 - np.arange(n), groups),
            sampled=sample(pl.DataFrame({"place": np.arange(n)}), seed + 1)["place"].to_numpy(),
            planted=text_of(copies),
            originals=shingles.codes_of(copies["key"]),
        )

    def near(self, texts: pl.Series) -> tuple[Ints, Floats, Threshold]:
        """For each of m normalised texts the place of the known item that it is nearly the same as, -1 without one, and
        how alike they are; and the threshold. Which words are common is told by known items, texts and planted copies
        together, so that the threshold and the similarities that are held against it are of the same words."""
        m = len(texts)
        every = self.shingles.beside(pl.concat([texts, self.planted]))
        _, accidents = every.best_of_known(self.sampled, self.labels)
        met, scores = every.best(np.arange(m, m + len(self.planted)))
        is_right = [
            place >= 0 and self.keys_of_items[place] == key for place, key in zip(met, self.originals, strict=True)
        ]
        planted = pl.DataFrame({"score": scores, "is_right": pl.Series(is_right, dtype=pl.Boolean)})
        limit = threshold(NEAR, planted, accidents)
        met, scores = every.best(np.arange(m))
        return np.where(scores >= limit.value, met, -1), scores, limit

    def copies(self, table: pl.DataFrame) -> pl.DataFrame:
        """kind (SAME or NEAR), row: of the table's rows that are copies of known items, in its order."""
        texts = text_of(table)
        same = np.isin(shingles.codes_of(texts), self.texts) & (texts != "").to_numpy()
        near = self.near(texts)[0] >= 0
        kinds = pl.Series(np.where(same, SAME, NEAR), dtype=pl.String)
        return table.select(kind=kinds, row="row").filter(pl.Series(same | near))

    def to_parts(self) -> dict[str, bytes]:
        """By name, to be kept."""
        own = {name: getattr(self, name) for name in _ARRAYS}
        arrays = {name: np.ascontiguousarray(each) for name, each in (own | self.shingles.to_arrays()).items()}
        return {_COPIES: save(arrays), _PLANTED: json.dumps(self.planted.to_list()).encode()}

    @classmethod
    def from_parts(cls, parts: Mapping[str, bytes]) -> "Known":
        """Of what `to_parts` gave, beside which there may be others."""
        arrays, planted = load(parts[_COPIES]), pl.Series(json.loads(parts[_PLANTED]), dtype=pl.String)
        own = {name: arrays[name] for name in _ARRAYS}
        return cls(shingles=shingles.Known.from_arrays(arrays), planted=planted, **own)


_ARRAYS = ("texts", "keys_of_items", "labels", "sampled", "originals")
_COPIES, _PLANTED = "copies.safetensors", "planted.json"


def likeness(found: pl.DataFrame, asking: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """row, known, score: for each asking item (row, title) the most similar of the items found for it by meaning (row,
    neighbour, similarity, title).

    score: the mean of the cosine and of the share of words, by how rare they are in the titles of `known`, that both
    titles have. The cosine alone calls two different chargers alike; two names of one charger share its rare words.
    """
    words = known["title"].str.to_lowercase().str.extract_all(_WORD).list.unique().explode().drop_nulls()
    counts = words.value_counts()
    rarity = dict(zip(counts[counts.columns[0]], np.log(1 + len(known) / counts["count"].to_numpy()), strict=True))
    rarest = float(np.log(1 + len(known)))
    asked = dict(zip(asking["row"], _words(asking["title"]), strict=True))
    shares = []
    for row, other in zip(found["row"], _words(found["title"]), strict=True):
        shared, every = (
            sum(rarity.get(word, rarest) for word in each) for each in (asked[row] & other, asked[row] | other)
        )
        shares.append(shared / every if every else 0.0)
    scores = found.select(
        "row", known="neighbour", score=(pl.col("similarity") + pl.Series(shares, dtype=pl.Float64)) / 2
    )
    return scores.sort("score", descending=True, maintain_order=True).unique("row", keep="first").sort("row")


_WORD = r"[\p{L}\p{N}]+"


def _words(titles: pl.Series) -> list[set[str]]:
    return [set(words) for words in titles.str.to_lowercase().str.extract_all(_WORD)]


def reworded(alike: pl.DataFrame, limit: Threshold) -> pl.DataFrame:
    """Suspects among the lines of `likeness`."""
    return _suspects(REWORDED, alike.filter(pl.col("score") >= limit.value))


def in_prompts(test: pl.DataFrame, prompts: Mapping[str, str]) -> pl.DataFrame:
    """Suspects whose title stands in a prompt (name -> its text): an example there may tell the price."""
    titles = pl.DataFrame({"row": test["row"], "title": normalised(test["title"])})
    titles = titles.filter(pl.col("title").str.len_chars() >= _SHORTEST)
    lines = []
    for name, text in prompts.items():
        plain = f" {normalised(pl.Series([text], dtype=pl.String))[0]} "
        lines += [(row, name) for row, title in titles.iter_rows() if f" {title} " in plain]
    frame = pl.DataFrame(lines, schema={"row": pl.Int64, "evidence": pl.String}, orient="row")
    return _suspects(IN_PROMPT, frame.unique("row", keep="first", maintain_order=True))


def telling(test: pl.DataFrame) -> pl.DataFrame:
    """Suspects whose own text tells their price."""
    return _suspects(TOLD, told_prices.told(test).rename({"words": "evidence"}))


def _suspects(kind: str, frame: pl.DataFrame) -> pl.DataFrame:
    usual = {"known": pl.lit(None, pl.String), "score": pl.lit(1.0), "evidence": pl.lit("")}
    missing = {name: value for name, value in usual.items() if name not in frame.columns}
    return frame.with_columns(kind=pl.lit(kind), **missing).select(
        pl.col(name).cast(dtype) for name, dtype in SUSPECTS.items()
    )


def merged(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """All suspects, most telling kind first, then the most similar; of the kinds of copies a row has only the most
    telling: what is the same is also near."""
    order = pl.col("kind").replace_strict({kind: place for place, kind in enumerate(KINDS)}, return_dtype=pl.Int64)
    every = pl.concat([pl.DataFrame(schema=SUSPECTS), *frames]).with_columns(place=order).sort("place", "row")
    is_copy = pl.col("kind").is_in([SAME, NEAR, REWORDED])
    copies = every.filter(is_copy).unique("row", keep="first", maintain_order=True)
    return (
        pl.concat([copies, every.filter(~is_copy)])
        .sort("place", "score", "row", descending=[False, True, False])
        .select(list(SUSPECTS))
    )
