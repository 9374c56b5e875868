"""Texts as sets of words and word pairs, and which texts of one table share most of them with known texts.

Pairs are found by MinHash (Broder 1997) in bands (LSH; Indyk and Motwani 1998) instead of comparing all with all, and
then compared exactly. Words and pairs that many texts have ("package includes") tell nothing and are left out; which
those are is told by all texts that are compared. What is computed of the known texts can be kept: beside other texts
only those are computed anew of which another word is common now.
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
BANDS, WIDTH = 40, 3  # finds a pair of similarity 0.4 in 93 of 100 cases, one of 0.5 in 99
COMMON_SHARE, COMMON_ROWS = 0.01, 20  # above both, a shingle is in too many texts to tell them apart
FEWEST = 4  # shingles: a text with fewer rare ones keeps the common ones too
BUCKET = 50  # texts of a bucket that are looked at: more are a template
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
    """The shingles of n texts, common ones included."""

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
    """What is computed of n known texts, whatever they are compared with."""

    codes: Codes  # (shingles,), rising
    counts: Ints  # (shingles,): known texts that have each
    columns: npt.NDArray[np.int32]  # the shingles of one text after the other, by place in `codes`
    starts: Ints  # (n + 1,): where each text begins in `columns`
    is_common: Flags  # (shingles,): as `keys` were computed
    keys: npt.NDArray[np.uint32]  # (BANDS, texts that have shingles), rising: equal ones share all minima of the band
    places: npt.NDArray[np.int32]  # of the same shape: the text of each key; of equal keys rising

    @classmethod
    def of(cls, texts: pl.Series) -> "Known":
        """Of normalised texts."""
        own = _Sets.of(texts)
        counts = _counts(own.sets)
        common = _is_common(counts, len(texts))
        filled = np.flatnonzero(np.diff(own.sets.indptr) > 0)
        keys, places = _sorted(_bands(_rare(own.sets[filled], common), own.codes), filled)
        columns, starts = own.sets.indices.astype(np.int32), own.sets.indptr.astype(np.int64)
        return cls(own.codes, counts, columns, starts, common, keys, places)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """By name, to be kept."""
        return asdict(self)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "Known":
        """Of what `to_arrays` gave, beside which there may be others."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})

    def beside(self, texts: pl.Series) -> "Beside":
        """These known texts and m normalised others, which may look for them."""
        others = _Sets.of(texts)
        place = np.minimum(np.searchsorted(self.codes, others.codes), max(0, len(self.codes) - 1))
        is_known = self.codes[place] == others.codes if len(self.codes) else np.zeros(len(others.codes), np.bool_)
        codes = np.concatenate([self.codes, others.codes[~is_known]])
        column = np.where(is_known, place, len(self.codes) + np.cumsum(~is_known) - 1)
        counts = np.concatenate([self.counts, np.zeros(len(codes) - len(self.codes), np.int64)])
        counts[column] += _counts(others.sets)
        common = _is_common(counts, len(self.starts) - 1 + len(texts))
        rows = np.repeat(np.arange(len(texts)), np.diff(others.sets.indptr))
        asking = _rare(_ones(rows, column[others.sets.indices], (len(texts), len(codes))), common)
        known = _Lines(self.columns, self.starts, common)
        return Beside(known, codes, asking, *self._bands_now(known, codes))

    def _bands_now(self, known: "_Lines", codes: Codes) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int32]]:
        """`keys` and `places` with the words that are common now."""
        changed = known.common[: len(self.codes)] != self.is_common
        if not changed.any():
            return self.keys, self.places
        has_changed = np.flatnonzero(changed[self.columns])
        texts = np.unique(np.searchsorted(self.starts, has_changed, side="right") - 1)
        fresh = _bands(known.rare(texts), codes)
        filled = np.flatnonzero(np.diff(self.starts) > 0)
        of_text = np.empty((BANDS, len(self.starts) - 1), dtype=np.uint32)
        np.put_along_axis(of_text, self.places.astype(np.int64), self.keys, 1)
        of_text[:, texts] = fresh
        return _sorted(of_text[:, filled], filled)


@dataclass(frozen=True)
class _Lines:
    """The shingles of texts, common ones included, and which those are."""

    columns: npt.NDArray[np.int32]
    starts: Ints
    common: Flags  # (all shingles of a comparison,)

    def rare(self, places: Ints) -> "csr_matrix":
        """The sets of the texts at these places."""
        sizes = np.diff(self.starts)[places]
        columns = self.columns[_ranges(self.starts[places], sizes)]
        return _rare(
            _ones(np.repeat(np.arange(len(places)), sizes), columns, (len(places), len(self.common))), self.common
        )


@dataclass(frozen=True)
class Beside:
    """n known texts and m others."""

    known: _Lines
    codes: Codes  # of all shingles
    asking: "csr_matrix"  # (m, all shingles): the others
    keys: npt.NDArray[np.uint32]
    places: npt.NDArray[np.int32]

    def best(self, places: Ints) -> tuple[Ints, Floats]:
        """For each of the others at these places: the place of the most similar known text, -1 without one, of equally
        similar ones the first; and the Jaccard similarity of both."""
        return self._matched(self.asking[places])

    def best_of_known(self, places: Ints, labels: Ints) -> tuple[Ints, Floats]:
        """As `best`, of the known texts at these places, each with the most similar one of another label (n,)."""
        return self._matched(self.known.rare(places), (labels[places], labels))

    def _matched(self, asking: "csr_matrix", labels: tuple[Ints, Ints] | None = None) -> tuple[Ints, Floats]:
        m = asking.shape[0]
        found, score = np.full(m, -1, dtype=np.int64), np.zeros(m)
        sizes = np.diff(asking.indptr)
        for left, right in self._candidates(asking, labels):
            different, which = np.unique(right, return_inverse=True)
            sets = self.known.rare(different)
            shared = np.asarray(asking[left].multiply(sets[which]).sum(axis=1)).ravel()
            similarity = shared / np.maximum(sizes[left] + np.diff(sets.indptr)[which] - shared, 1)
            # Written in rising order, so that the best of a text's several candidates stays, of equal ones the first.
            rising = np.argsort(-similarity, kind="stable")[::-1]
            better = rising[similarity[rising] > score[left[rising]]]
            found[left[better]], score[left[better]] = right[better], similarity[better]
        return found, score

    def _candidates(self, asking: "csr_matrix", labels: tuple[Ints, Ints] | None) -> Iterator[tuple[Ints, Ints]]:
        """Parts of (place of an asking text, place of a known one) that share a band and no label, rising."""
        filled = np.flatnonzero(np.diff(asking.indptr) > 0)
        n = len(self.known.starts) - 1
        for start in range(0, len(filled), _SLICE):
            texts = filled[start : start + _SLICE]
            pairs = []
            for key, known, places in zip(_bands(asking[texts], self.codes), self.keys, self.places, strict=True):
                order = np.argsort(key)  # neighbours in `known` are then looked up one after the other
                first = np.searchsorted(known, key[order])
                many = np.minimum(np.searchsorted(known, key[order], side="right") - first, BUCKET)
                pairs.append(np.repeat(texts[order], many) * n + places[_ranges(first, many)])
            left, right = np.divmod(np.unique(np.concatenate(pairs)), max(1, n))
            if labels is not None:
                other = labels[0][left] != labels[1][right]
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
    return np.asarray(counts > max(COMMON_ROWS, COMMON_SHARE * n))


def _rare(sets: "csr_matrix", common: Flags) -> "csr_matrix":
    """The sets without the common shingles, where enough others are left."""
    kept, n = sets.copy(), sets.shape[0]
    of_entry = np.repeat(np.arange(n), np.diff(kept.indptr))
    is_common = common[kept.indices]
    rare = np.bincount(of_entry[~is_common], minlength=n)
    kept.data[is_common & (rare[of_entry] >= FEWEST)] = 0.0
    kept.eliminate_zeros()
    return kept


def _ranges(starts: Ints, sizes: Ints) -> Ints:
    """start, start + 1, ... of each of several ranges, one after the other."""
    ends = np.cumsum(sizes)
    inside: Ints = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - sizes), sizes)
    return inside


def _sorted(keys: npt.NDArray[np.uint32], places: Ints) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int32]]:
    """The keys of each band, rising, and the text of each; `places` are those of the columns."""
    order = np.argsort(keys, axis=1, kind="stable")
    return np.take_along_axis(keys, order, 1), places[order].astype(np.int32)


def _bands(sets: "csr_matrix", codes: Codes) -> npt.NDArray[np.uint32]:
    """(BANDS, texts), of texts that have shingles: equal numbers share all minima of the band."""
    starts = sets.indptr[:-1]
    own = (codes ^ (codes >> np.uint64(32))).astype(np.uint32)[sets.indices]
    random = np.random.default_rng(20261123)
    bands = np.zeros((BANDS, len(starts)), dtype=np.uint64)
    for key in bands if len(starts) else ():
        for factor in random.integers(1, 2**32, WIDTH, dtype=np.uint32) | np.uint32(1):
            mixed = own * factor
            mixed ^= mixed >> np.uint32(16)
            mixed *= np.uint32(0x85EBCA6B)
            smallest = np.minimum.reduceat(mixed, starts).astype(np.uint64)
            key[:] = (key ^ smallest) * np.uint64(0x9E3779B97F4A7C15)
    return (bands >> np.uint64(32)).astype(np.uint32)
