"""Groups items that are nearly the same product; a group must not be split between learning and testing.

A title becomes the set of four-letter groups of its words, without words for colours and sizes; a MinHash signature
(Broder 1997) stands for the set, and bands of it find candidates without comparing all pairs (LSH, Indyk and Motwani
1998). Groups are what pairs above a similarity connect. Too eager is the safe side: a wrong group costs nothing but
a little choice in splitting, a missed one leaks a test price into training.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from worker.ingest.similarity_tokens import grams, keys

_Rows = npt.NDArray[np.integer[Any]]
_Number = TypeVar("_Number", bound=np.generic)

_BANDS, _BAND_WIDTH = 8, 4
_SIGNATURE = _BANDS * _BAND_WIDTH
"""Numbers of 8 bits: twice as many as of 16 bits tell similarity better (b-bit MinHash, Li and König 2010)."""

_SIMILAR = 25
"""Equal places of 32 that make two titles the same: a set similarity of about 0.78."""

_LARGE, _VERY_SIMILAR = 50, 30
"""Rows of a large group, and the equal places that count in it: titles made from a template form chains."""

_GIANT_SHARE, _GIANT_ROWS = 0.01, 50
"""A group above both is a chain of products that resemble their neighbours only; it is split again."""


class Grouper:
    """Collects 40 bytes per item, then gives the groups."""

    def __init__(self, seed: int = 20261123) -> None:
        random = np.random.default_rng(seed)
        self._factors = random.integers(1, 2**32, size=_SIGNATURE, dtype=np.uint32) | np.uint32(1)
        self._signatures: list[npt.NDArray[np.uint8]] = []
        self._keys: list[npt.NDArray[np.uint64]] = []

    def add(self, items: pl.DataFrame) -> None:
        """Takes in a batch with the columns title, description and brand."""
        if len(items):
            codes, offsets = grams(items["title"])
            self._signatures.append(self._minhash(codes, offsets))
            self._keys.append(keys(items))

    def _minhash(self, codes: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """(n, 32) signatures: for each of 32 hash functions, 8 bits of the smallest hash of a title's codes."""
        signature = np.empty((len(offsets), _SIGNATURE), dtype=np.uint8)
        # Letters are few and regular; scattered first, one multiplication per function is random enough.
        mixed = codes.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        scattered = ((mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(32)).astype(
            np.uint32
        )
        for place, factor in enumerate(self._factors):
            # Multiplicative hashing modulo 2^32, of which the smallest counts by its upper bits.
            smallest = np.minimum.reduceat(scattered * factor, offsets)
            # The smallest has many leading zeros: mix before cutting off bits.
            signature[:, place] = ((smallest * np.uint32(0x9E3779B1)) >> np.uint32(24)).astype(np.uint8)
        return signature

    def groups(self) -> npt.NDArray[np.int64]:
        """(n,) group of every item in the order they were added; numbered from 0 by first appearance."""
        if not self._signatures:
            return np.empty(0, dtype=np.int64)
        # Joined one after the other, so that at most one of them is held twice.
        self._signatures, self._keys = [_joined(self._signatures)], [_joined(self._keys)]
        signatures, exact = self._signatures[0].view(np.uint64), self._keys[0]
        n = len(exact)
        # What a very similar pair connects stays together whatever else comes: no more pairs within it are compared.
        label: _Rows = np.arange(n, dtype=np.int32 if n < 2**31 else np.int64)
        lefts: list[_Rows] = []
        rights: list[_Rows] = []
        for band in range(_BANDS):
            apart = [
                (left[differ], right[differ])
                for left, right in _candidates(self._signatures[0].view(np.uint32)[:, band])
                if (differ := label[left] != label[right]).any()
            ]
            same: list[tuple[_Rows, _Rows]] = []
            for left, right in _parts(apart):
                equal = _equal_places(signatures[left], signatures[right])
                very = equal >= _VERY_SIMILAR
                same.append((left[very], right[very]))
                alike = (equal >= _SIMILAR) & ~very
                lefts.append(left[alike])
                rights.append(right[alike])
            if same:
                label = _connected(label, np.concatenate([a for a, _ in same]), np.concatenate([b for _, b in same]))
        left, right = (np.concatenate([label[:0], *rows]) for rows in (lefts, rights))
        chained = _connected(label, left, right)
        close = np.bincount(chained)[chained[left]] <= _LARGE
        label = _connected(label, left[close], right[close])
        sizes = np.bincount(label)
        giant = np.flatnonzero(sizes[label] > max(_GIANT_ROWS, _GIANT_SHARE * n))
        if len(giant):
            # Within a giant, only items whose whole text is the same stay together.
            tag = exact[giant] ^ (label[giant].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
            _, first, of_row = np.unique(tag, return_index=True, return_inverse=True)
            label[giant] = giant[first][of_row.ravel()]
        # A label is the first row of its group.
        number: npt.NDArray[np.int64] = np.cumsum(label == np.arange(n)) - 1
        return number[label]


def _joined(parts: list[npt.NDArray[_Number]]) -> npt.NDArray[_Number]:
    """The arrays one below the other; each is dropped from the list once it is copied."""
    whole = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), dtype=parts[0].dtype)
    end = len(whole)
    while parts:
        part = parts.pop()
        whole[end - len(part) : end] = part
        end -= len(part)
    return whole


def _candidates(bucket: npt.NDArray[np.uint32]) -> Iterator[tuple[_Rows, _Rows]]:
    """Pairs that share a bucket: each with the next, the one after that, and the first of the bucket.

    Not all pairs, of which a bucket of 10,000 has 50 million; similar ones are connected through each other.
    """
    # Sorted as one number with the row behind the bucket, which is several times faster than an order of buckets.
    packed = bucket.astype(np.uint64) << np.uint64(32) | np.arange(len(bucket), dtype=np.uint64)
    packed.sort()
    order, ordered = packed.astype(np.uint32), (packed >> np.uint64(32)).astype(np.uint32)
    del packed
    is_first = np.ones(len(ordered), dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    for step in (1, 2):
        same = np.flatnonzero(ordered[step:] == ordered[:-step])
        yield order[same], order[same + step]
    first = np.maximum.accumulate(np.where(is_first, np.arange(len(ordered), dtype=np.uint32), np.uint32(0)))
    far = np.flatnonzero(np.arange(len(ordered)) - first > 2)
    yield order[first[far]], order[far]


def _parts(pairs: Iterable[tuple[_Rows, _Rows]]) -> Iterator[tuple[_Rows, _Rows]]:
    """Slices of pairs: comparing a million at once would need more memory than the signatures themselves."""
    for left, right in pairs:
        for start in range(0, len(left), 1 << 18):
            yield left[start : start + (1 << 18)], right[start : start + (1 << 18)]


def _equal_places(a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """(k,) how many of the 32 bytes of a and b, (k, 4) each, are the same."""
    low = np.uint64(0x7F7F7F7F7F7F7F7F)
    differ = a ^ b
    # The highest bit of every byte becomes 1 where the byte is not 0.
    differ = (((differ & low) + low) | differ) & ~low
    unequal: npt.NDArray[np.int64] = np.bitwise_count(differ).sum(axis=1, dtype=np.int64)
    return _SIGNATURE - unequal


def _connected(label: _Rows, left: _Rows, right: _Rows) -> _Rows:
    """(n,) label of the component that each of n nodes is in once these pairs are joined too: its lowest node."""
    if not len(left):
        return label
    label = label.copy()
    a, b = label[left], label[right]
    while (differ := a != b).any():
        a, b = a[differ], b[differ]
        low, high = np.minimum(a, b), np.maximum(a, b)
        np.minimum.at(label, high, low)
        while True:  # every node that was joined points at the root of its tree
            root = label[label[high]]
            if np.array_equal(root, label[high]):
                break
            label[high] = root
        a, b = label[a], label[b]
    while True:
        roots: _Rows = label[label]
        if np.array_equal(roots, label):
            return roots
        label = roots
