"""Groups items that are nearly the same product; a group must not be split between learning and testing.

A title becomes the set of four-letter groups of its words, without words for colours and sizes; a MinHash signature
(Broder 1997) stands for the set, and bands of it find candidates without comparing all pairs (LSH, Indyk and Motwani
1998). Groups are what pairs above a similarity connect. Too eager is the safe side: a wrong group costs nothing but
a little choice in splitting, a missed one leaks a test price into training.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from worker.ingest.similarity_tokens import grams, keys

_Rows = npt.NDArray[np.int64]

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
        signatures, exact = np.concatenate(self._signatures), np.concatenate(self._keys)
        n = len(exact)
        lefts, rights, equals = [], [], []
        for band in range(_BANDS):
            part = signatures[:, band * _BAND_WIDTH : (band + 1) * _BAND_WIDTH]
            left, right = _candidates(np.ascontiguousarray(part).view(np.uint32).ravel())
            equal = np.concatenate(
                [(signatures[a] == signatures[b]).sum(axis=1, dtype=np.int8) for a, b in _parts(left, right)]
            )
            alike = equal >= _SIMILAR
            lefts.append(left[alike])
            rights.append(right[alike])
            equals.append(equal[alike])
        left, right, equal = np.concatenate(lefts), np.concatenate(rights), np.concatenate(equals)
        label = _connect(n, left, right)
        close = (np.bincount(label)[label[left]] <= _LARGE) | (equal >= _VERY_SIMILAR)
        label = _connect(n, left[close], right[close])
        sizes = np.bincount(label)
        giant = sizes[label] > max(_GIANT_ROWS, _GIANT_SHARE * n)
        if giant.any():
            # Within a giant, only items whose whole text is the same stay together.
            apart = label.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            tag = np.where(giant, exact ^ apart, apart)
            label = np.unique(np.stack([giant.astype(np.uint64), tag], axis=1), axis=0, return_inverse=True)[1].ravel()
        return _renumbered(label)


def _candidates(bucket: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pairs that share a bucket: each with the next, the one after that, and the first of the bucket.

    Not all pairs, of which a bucket of 10,000 has 50 million; similar ones are connected through each other.
    """
    order = np.argsort(bucket, kind="stable")
    ordered = bucket[order]
    is_first = np.ones(len(ordered), dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    first = np.maximum.accumulate(np.where(is_first, np.arange(len(ordered)), 0))
    lefts, rights = [], []
    for step in (1, 2):
        same = np.flatnonzero(ordered[step:] == ordered[:-step])
        lefts.append(order[same])
        rights.append(order[same + step])
    far = np.flatnonzero(np.arange(len(ordered)) - first > 2)
    lefts.append(order[first[far]])
    rights.append(order[far])
    return np.concatenate(lefts), np.concatenate(rights)


def _parts(left: _Rows, right: _Rows) -> Iterator[tuple[_Rows, _Rows]]:
    """Slices of pairs: comparing a million at once would need more memory than the signatures themselves."""
    for start in range(0, max(1, len(left)), 1 << 18):
        yield left[start : start + (1 << 18)], right[start : start + (1 << 18)]


def _connect(n: int, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(n,) label of the component that each of n nodes is in."""
    label = np.arange(n)
    while True:
        a, b = label[left], label[right]
        differ = a != b
        if not differ.any():
            return label
        left, right, a, b = left[differ], right[differ], a[differ], b[differ]
        low, high = np.minimum(a, b), np.maximum(a, b)
        np.minimum.at(label, high, low)
        while True:  # every node points at the root of its tree
            root = label[label]
            if np.array_equal(root, label):
                break
            label = root


def _renumbered(label: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    _, first, of_row = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[of_row.ravel()]
