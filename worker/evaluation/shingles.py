"""Texts as sets of words and word pairs, and which texts of one table share most of them with texts of another.

Pairs are found by MinHash (Broder 1997) in bands (LSH; Indyk and Motwani 1998) instead of comparing all with all, and
then compared exactly. Words and pairs that many texts have ("package includes") tell nothing and are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:  # half a second of every process that never compares texts
    from scipy.sparse import csr_matrix

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LONGEST = 4_000  # letters of a text that are read
_BANDS, _WIDTH = 40, 3  # finds a pair of similarity 0.4 in 93 of 100 cases, one of 0.5 in 99
_COMMON_SHARE, _COMMON_ROWS = 0.01, 20  # above both, a shingle is in too many texts to tell them apart
_FEWEST = 4  # shingles: a text with fewer rare ones keeps the common ones too
_BUCKET = 50  # texts of a bucket that are looked at: more are a template
_PART = 200_000  # pairs compared at once


def normalised(texts: pl.Series) -> pl.Series:
    """The texts in lower case, letters and digits only, one space between words."""
    return texts.str.slice(0, LONGEST).str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars(" ")


@dataclass(frozen=True)
class Shingles:
    """The shingles of n texts, one line each; every entry is 1."""

    sets: "csr_matrix"  # (n, different shingles)

    @classmethod
    def of(cls, texts: pl.Series) -> "Shingles":
        """Of normalised texts. Call it once for all that are compared: which shingles are common is told by them."""
        from scipy.sparse import csr_matrix

        words = pl.DataFrame({"text": texts}).with_row_index("row").with_columns(pl.col("text").str.split(" "))
        words = words.explode("text").filter(pl.col("text") != "")
        row, code = words["row"].to_numpy().astype(np.int64), words["text"].hash(seed=3).to_numpy()
        with np.errstate(over="ignore"):
            pairs = (code[:-1] * np.uint64(0x9E3779B97F4A7C15)) ^ code[1:]
        inside = row[:-1] == row[1:]
        rows = np.concatenate([row, row[:-1][inside]])
        _, columns = np.unique(np.concatenate([code, pairs[inside]]), return_inverse=True)
        n, width = len(texts), int(columns.max(initial=-1)) + 1
        sets = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(n, max(1, width)))
        sets.sum_duplicates()
        sets.data[:] = 1.0
        common = np.bincount(sets.indices, minlength=sets.shape[1]) > max(_COMMON_ROWS, _COMMON_SHARE * n)
        of_entry = np.repeat(np.arange(n), np.diff(sets.indptr))
        rare = np.bincount(of_entry[~common[sets.indices]], minlength=n)
        sets.data[common[sets.indices] & (rare[of_entry] >= _FEWEST)] = 0.0
        sets.eliminate_zeros()
        return cls(sets)

    def best(self, asking: Ints, known: Ints, apart: Ints | None = None) -> tuple[Ints, Floats]:
        """For each of the texts `asking` (m,), by place: the place of the most similar text among `known`, -1 without
        one, and the Jaccard similarity of both (m,). `apart` (n,): no text is matched with one of its own label."""
        found, score = np.full(len(asking), -1, dtype=np.int64), np.zeros(len(asking))
        sizes = np.diff(self.sets.indptr)
        for left, right in self._candidates(asking, known, apart):
            shared = np.asarray(self.sets[asking[left]].multiply(self.sets[right]).sum(axis=1)).ravel()
            similarity = shared / np.maximum(sizes[asking[left]] + sizes[right] - shared, 1)
            # Written in rising order, so that the best of a text's several candidates stays.
            rising = np.argsort(similarity, kind="stable")
            better = rising[similarity[rising] > score[left[rising]]]
            found[left[better]], score[left[better]] = right[better], similarity[better]
        return found, score

    def _candidates(self, asking: Ints, known: Ints, apart: Ints | None) -> Iterator[tuple[Ints, Ints]]:
        """Parts of (place in `asking`, place of a known text) that share a band and no label."""
        filled = np.diff(self.sets.indptr) > 0
        one, other = np.flatnonzero(filled[asking]), known[filled[known]]
        if not len(one) or not len(other):
            return
        lefts, rights = self._bands(asking[one]), self._bands(other)
        pairs = []
        for left, right in zip(lefts, rights, strict=True):
            there = pl.DataFrame({"key": right, "known": other}).filter(pl.int_range(pl.len()).over("key") < _BUCKET)
            pairs.append(pl.DataFrame({"key": left, "asking": one}).join(there, on="key").select("asking", "known"))
        each = pl.concat(pairs).unique(maintain_order=True)
        if apart is not None:
            left, right = each["asking"].to_numpy(), each["known"].to_numpy()
            each = each.filter(pl.Series(apart[asking[left]] != apart[right]))
        for part in each.iter_slices(_PART):
            yield part["asking"].to_numpy(), part["known"].to_numpy()

    def _bands(self, places: Ints) -> list[npt.NDArray[np.uint64]]:
        """For each band a number per text: equal ones share all minima of the band."""
        part = self.sets[places]
        starts = part.indptr[:-1]
        codes = part.indices.astype(np.uint32) * np.uint32(0x9E3779B1)
        codes ^= codes >> np.uint32(15)
        random = np.random.default_rng(20261123)
        bands = []
        for _ in range(_BANDS):
            key = np.zeros(len(places), dtype=np.uint64)
            for factor in random.integers(1, 2**32, _WIDTH, dtype=np.uint32) | np.uint32(1):
                mixed = codes * factor
                mixed ^= mixed >> np.uint32(16)
                mixed *= np.uint32(0x85EBCA6B)
                smallest = np.minimum.reduceat(mixed, starts).astype(np.uint64)
                key = (key ^ smallest) * np.uint64(0x9E3779B97F4A7C15)
            bands.append(key)
        return bands
