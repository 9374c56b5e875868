"""Texts as sets of words and word pairs, and which texts of one table share most of them with known texts.

Pairs are found by MinHash (Broder 1997) in bands (LSH; Indyk and Motwani 1998) instead of comparing all with all, and
then compared exactly. Words and pairs that many texts have ("package includes") tell nothing and are left out.
What is computed of the known texts does not depend on those that are compared with them, so that it can be kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:  # half a second of every process that never compares texts
    from scipy.sparse import csr_matrix

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

LONGEST = 4_000  # letters of a text that are read
_BANDS, _WIDTH = 40, 3  # finds a pair of similarity 0.4 in 93 of 100 cases, one of 0.5 in 99
_COMMON_SHARE, _COMMON_ROWS = 0.01, 20  # above both, a shingle is in too many texts to tell them apart
_FEWEST = 4  # shingles: a text with fewer rare ones keeps the common ones too
_BUCKET = 50  # texts of a bucket that are looked at: more are a template
_SLICE = 5_000  # texts that look for known ones at once
_PART = 200_000  # pairs compared at once


def normalised(texts: pl.Series) -> pl.Series:
    """The texts in lower case, letters and digits only, one space between words."""
    return texts.str.slice(0, LONGEST).str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars(" ")


def codes_of(texts: pl.Series) -> Codes:
    """A number for each text, equal for equal ones; see `coding`."""
    return texts.hash(seed=3).to_numpy()


def coding() -> str:
    """The name of what `codes_of` computes: codes can be compared with kept ones where it is the same. Another version
    of the library may have other codes."""
    return f"{codes_of(pl.Series(['oak table, 120 cm']))[0]:x}"


@dataclass(frozen=True)
class _Sets:
    """The shingles of n texts."""

    codes: Codes  # of the different shingles, rising
    sets: "csr_matrix"  # (n, different shingles); every entry is 1

    @classmethod
    def of(cls, texts: pl.Series) -> "_Sets":
        words = pl.DataFrame({"text": texts}).with_row_index("row").with_columns(pl.col("text").str.split(" "))
        words = words.explode("text").filter(pl.col("text") != "")
        row, code = words["row"].to_numpy().astype(np.int64), codes_of(words["text"])
        with np.errstate(over="ignore"):
            pairs = (code[:-1] * np.uint64(0x9E3779B97F4A7C15)) ^ code[1:]
        inside = row[:-1] == row[1:]
        rows = np.concatenate([row, row[:-1][inside]])
        codes, columns = np.unique(np.concatenate([code, pairs[inside]]), return_inverse=True)
        return cls(codes, _ones(rows, columns, (len(texts), len(codes))))


@dataclass(frozen=True)
class Known:
    """What is computed of n known texts."""

    codes: Codes  # (shingles,), rising
    counts: Ints  # (shingles,): known texts that have each
    columns: npt.NDArray[np.int32]  # the shingles of one text after the other, by place in `codes`
    starts: Ints  # (n + 1,): where each text begins in `columns`
    keys: npt.NDArray[np.uint32]  # (bands, texts that have shingles), rising: equal ones share all minima of the band
    places: npt.NDArray[np.int32]  # of the same shape: the text of each key

    @classmethod
    def of(cls, texts: pl.Series) -> "Known":
        """Of normalised texts."""
        own = _Sets.of(texts)
        counts = _counts(own.sets)
        filled = np.flatnonzero(np.diff(own.sets.indptr) > 0)
        keys = _bands(_rare(own.sets[filled], _is_common(counts, len(texts))), own.codes)
        order = np.argsort(keys, axis=1, kind="stable")
        return cls(
            codes=own.codes,
            counts=counts,
            columns=own.sets.indices.astype(np.int32),
            starts=own.sets.indptr.astype(np.int64),
            keys=np.take_along_axis(keys, order, 1),
            places=filled[order].astype(np.int32),
        )

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """By name, to be kept."""
        return asdict(self)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "Known":
        """Of what `to_arrays` gave, beside which there may be others."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})

    def best(self, texts: pl.Series) -> tuple[Ints, Floats]:
        """For each of m normalised texts: the place of the most similar known one, -1 without one, and the Jaccard
        similarity of both. Which shingles are common is told by all of them together."""
        asking = _Sets.of(texts)
        place = np.minimum(np.searchsorted(self.codes, asking.codes), max(0, len(self.codes) - 1))
        is_known = self.codes[place] == asking.codes if len(self.codes) else np.zeros(len(asking.codes), dtype=np.bool_)
        counts = _counts(asking.sets)
        together = self.counts.copy()
        together[place[is_known]] += counts[is_known]
        counts[is_known] = together[place[is_known]]
        n = len(texts) + len(self.starts) - 1
        sets = _rare(asking.sets, _is_common(counts, n))
        columns = np.where(is_known, place, len(self.codes) + np.cumsum(~is_known) - 1)
        codes = np.concatenate([self.codes, asking.codes[~is_known]])
        rows = np.repeat(np.arange(len(texts)), np.diff(sets.indptr))
        return self._matched(_ones(rows, columns[sets.indices], (len(texts), len(codes))), codes, together, n)

    def best_others(self, places: Ints, labels: Ints) -> tuple[Ints, Floats]:
        """As `best`, of the known texts at these places, each with the most similar text of another label (n,)."""
        n = len(self.starts) - 1
        sets = _rare(self._rows(places, len(self.codes)), _is_common(self.counts, n))
        return self._matched(sets, self.codes, self.counts, n, (labels[places], labels))

    def _rows(self, places: Ints, width: int) -> "csr_matrix":
        sizes = np.diff(self.starts)[places]
        inside = _ranges(self.starts[places], sizes)
        return _ones(np.repeat(np.arange(len(places)), sizes), self.columns[inside], (len(places), width))

    def _matched(
        self, asking: "csr_matrix", codes: Codes, counts: Ints, n: int, apart: tuple[Ints, Ints] | None = None
    ) -> tuple[Ints, Floats]:
        """Of sets over `codes`, of which the first are those of the known texts and are in `counts` of n texts."""
        m = asking.shape[0]
        found, score = np.full(m, -1, dtype=np.int64), np.zeros(m)
        common = _is_common(counts, n)
        sizes = np.diff(asking.indptr)
        for left, right in self._candidates(asking, codes, apart):
            one = asking[left]
            other = _rare(
                self._rows(right, len(codes)), np.append(common, np.zeros(len(codes) - len(common), np.bool_))
            )
            shared = np.asarray(one.multiply(other).sum(axis=1)).ravel()
            similarity = shared / np.maximum(sizes[left] + np.diff(other.indptr) - shared, 1)
            # Written in rising order, so that the best of a text's several candidates stays.
            rising = np.argsort(similarity, kind="stable")
            better = rising[similarity[rising] > score[left[rising]]]
            found[left[better]], score[left[better]] = right[better], similarity[better]
        return found, score

    def _candidates(
        self, asking: "csr_matrix", codes: Codes, apart: tuple[Ints, Ints] | None
    ) -> Iterator[tuple[Ints, Ints]]:
        """Parts of (place of an asking text, place of a known one) that share a band and no label."""
        filled = np.flatnonzero(np.diff(asking.indptr) > 0)
        n = len(self.starts) - 1
        for start in range(0, len(filled), _SLICE):
            places = filled[start : start + _SLICE]
            pairs = []
            for key, known, there in zip(_bands(asking[places], codes), self.keys, self.places, strict=True):
                first = np.searchsorted(known, key)
                many = np.minimum(np.searchsorted(known, key, side="right") - first, _BUCKET)
                pairs.append(np.repeat(places, many) * n + there[_ranges(first, many)])
            left, right = np.divmod(np.unique(np.concatenate(pairs)), max(1, n))
            if apart is not None:
                other = apart[0][left] != apart[1][right]
                left, right = left[other], right[other]
            for part in range(0, len(left), _PART):
                yield left[part : part + _PART], right[part : part + _PART]


def _ones(rows: Ints, columns: Ints | npt.NDArray[np.int32], shape: tuple[int, int]) -> "csr_matrix":
    """1 where a row has a column, once or more often."""
    from scipy.sparse import csr_matrix

    sets = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    sets.sum_duplicates()
    sets.data[:] = 1.0
    return sets


def _counts(sets: "csr_matrix") -> Ints:
    """Texts that have each shingle."""
    return np.asarray(np.bincount(sets.indices, minlength=sets.shape[1]), dtype=np.int64)


def _is_common(counts: Ints, n: int) -> Flags:
    """Of each shingle, whether so many of n texts have it that it does not tell them apart."""
    return np.asarray(counts > max(_COMMON_ROWS, _COMMON_SHARE * n))


def _rare(sets: "csr_matrix", common: Flags) -> "csr_matrix":
    """The sets without the common shingles, where enough others are left."""
    kept, n = sets.copy(), sets.shape[0]
    of_entry = np.repeat(np.arange(n), np.diff(kept.indptr))
    is_common = common[kept.indices]
    rare = np.bincount(of_entry[~is_common], minlength=n)
    kept.data[is_common & (rare[of_entry] >= _FEWEST)] = 0.0
    kept.eliminate_zeros()
    return kept


def _ranges(starts: Ints, sizes: Ints) -> Ints:
    """start, start + 1, ... of each of several ranges, one after the other."""
    ends = np.cumsum(sizes)
    inside: Ints = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - sizes), sizes)
    return inside


def _bands(sets: "csr_matrix", codes: Codes) -> npt.NDArray[np.uint32]:
    """(bands, texts), of texts that have shingles: equal numbers share all minima of the band."""
    starts = sets.indptr[:-1]
    own = (codes ^ (codes >> np.uint64(32))).astype(np.uint32)[sets.indices]
    random = np.random.default_rng(20261123)
    bands = np.zeros((_BANDS, len(starts)), dtype=np.uint64)
    for key in bands if len(starts) else ():
        for factor in random.integers(1, 2**32, _WIDTH, dtype=np.uint32) | np.uint32(1):
            mixed = own * factor
            mixed ^= mixed >> np.uint32(16)
            mixed *= np.uint32(0x85EBCA6B)
            smallest = np.minimum.reduceat(mixed, starts).astype(np.uint64)
            key[:] = (key ^ smallest) * np.uint64(0x9E3779B97F4A7C15)
    return (bands >> np.uint64(32)).astype(np.uint32)
