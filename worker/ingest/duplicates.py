"""Groups items that are nearly the same product; a group must not be split between learning and testing.

A title becomes the set of four-letter groups of its words, without words for colours and sizes; a MinHash signature
(Broder 1997) stands for the set, and bands of it find candidates without comparing all pairs (LSH, Indyk and Motwani
1998). Groups are what pairs above a similarity connect. Too eager is the safe side: a wrong group costs nothing but
a little choice in splitting, a missed one leaks a test price into training.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
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

_TITLES = 1024
"""Whose signatures are computed at once: their codes stay in the cache."""

_PART = 1 << 17
"""Rows whose pairs are compared at once."""

_SIMILAR = 25
"""Equal places of 32 that make two titles the same: a set similarity of about 0.78."""

_LARGE, _VERY_SIMILAR = 50, 30
"""Rows of a large group, and the equal places that count in it: titles made from a template form chains."""

_GIANT_SHARE, _GIANT_ROWS = 0.01, 50
"""A group above both is a chain of products that resemble their neighbours only; it is split again."""


class Grouper:
    """Collects 32 bytes per item, then gives the groups."""

    def __init__(self, seed: int = 20261123) -> None:
        random = np.random.default_rng(seed)
        self._factors = random.integers(1, 2**32, size=_SIGNATURE, dtype=np.uint32) | np.uint32(1)
        self._signatures: list[npt.NDArray[np.uint8]] = []

    def add(self, items: pl.DataFrame) -> None:
        """Takes in a batch with the column title."""
        if len(items):
            codes, offsets = grams(items["title"])
            self._signatures.append(self._minhash(codes, offsets))

    def _minhash(self, codes: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """(n, 32) signatures: for each of 32 hash functions, 8 bits of the smallest hash of a title's codes."""
        signature = np.empty((len(offsets), _SIGNATURE), dtype=np.uint8)
        # Letters are few and regular; scattered first, one multiplication per function is random enough.
        mixed = codes.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        scattered = ((mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(32)).astype(
            np.uint32
        )
        counts = np.diff(offsets, append=len(codes))
        by_length = np.argsort(counts, kind="stable")
        for start in range(0, len(offsets), _TITLES):
            # Titles of about one length, a column each, the shorter ones filled with their last code: the smallest of
            # a column is then found in whole registers.
            rows = by_length[start : start + _TITLES]
            place = np.arange(counts[rows[-1]])[:, None]
            block = scattered[np.minimum(place, counts[rows] - 1) + offsets[rows]]
            hashed, smallest = np.empty_like(block), np.empty((_SIGNATURE, len(rows)), dtype=np.uint32)
            for function, factor in enumerate(self._factors):
                # Multiplicative hashing modulo 2^32, of which the smallest counts by its upper bits.
                np.multiply(block, factor, out=hashed)
                np.minimum.reduce(hashed, axis=0, out=smallest[function])
            # The smallest has many leading zeros: mix before cutting off bits.
            signature[rows] = ((smallest * np.uint32(0x9E3779B1)) >> np.uint32(24)).astype(np.uint8).T
        return signature

    def groups(self, texts: Callable[[], Iterable[pl.DataFrame]]) -> npt.NDArray[np.int64]:
        """(n,) group of every item in the order they were added; numbered from 0 by first appearance. Asked once.

        texts: the items again, in that order, in frames of any length; asked for only where whole texts must tell.
        """
        if not self._signatures:
            return np.empty(0, dtype=np.int64)
        signatures = _joined(self._signatures)  # which are not held any longer than they are needed
        n = len(signatures)
        # What a very similar pair connects stays together whatever else comes: no more pairs within it are compared.
        same, alike = _Forest(n), _Forest(n)
        lefts: list[_Rows] = []
        rights: list[_Rows] = []
        with ThreadPoolExecutor(1) as aside:
            order = aside.submit(_by_bucket, signatures, 0)
            for band in range(_BANDS):
                rows, buckets = order.result()
                if band + 1 < _BANDS:  # ordered while this one is compared: sorting leaves the interpreter to others
                    order = aside.submit(_by_bucket, signatures, band + 1)
                for left, right, equal in _compared(signatures.view(np.uint64), rows, buckets, same.parent):
                    very = equal >= _VERY_SIMILAR
                    same.join(left[very], right[very])
                    some = (equal >= _SIMILAR) & ~very
                    # Of pairs in a ring all but one are enough, so at most n are ever held.
                    new = alike.join(left[some], right[some])
                    lefts.append(left[some][new])
                    rights.append(right[some][new])
                same.flatten()
        del alike, signatures, order, rows, buckets
        label = same.parent
        left, right = (label[np.concatenate([label[:0], *rows])] for rows in (lefts, rights))
        chained = _Forest(n, label.copy())
        chained.join(left, right)
        chained.flatten()
        close = np.bincount(chained.parent)[chained.parent[left]] <= _LARGE
        same.join(left[close], right[close])
        same.flatten()
        label = same.parent
        giant = np.flatnonzero((np.bincount(label) > max(_GIANT_ROWS, _GIANT_SHARE * n))[label])
        if len(giant):
            # Within a giant, only items whose whole text is the same stay together.
            tag = _keys_of(giant, texts()) ^ (label[giant].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
            _, first, of_row = np.unique(tag, return_index=True, return_inverse=True)
            label[giant] = giant[first][of_row.ravel()]
        # A label is the first row of its group.
        number = np.cumsum(label == np.arange(n, dtype=np.int32), dtype=np.int32) - np.int32(1)
        return number[label].astype(np.int64)


def group(items: pl.DataFrame) -> npt.NDArray[np.int64]:
    """(n,) group of each item of a frame with the columns title, description and brand."""
    grouper = Grouper()
    grouper.add(items)
    return grouper.groups(lambda: [items])


def _keys_of(rows: npt.NDArray[np.int64], texts: Iterable[pl.DataFrame]) -> npt.NDArray[np.uint64]:
    """The key of the whole text of each of these rows, which rise."""
    parts, start = [np.empty(0, dtype=np.uint64)], 0
    for frame in texts:
        first, after = np.searchsorted(rows, (start, start + len(frame)))
        if after > first:
            parts.append(keys(frame[rows[first:after] - start]))
        start += len(frame)
    return np.concatenate(parts)


def _joined(parts: list[npt.NDArray[_Number]]) -> npt.NDArray[_Number]:
    """The arrays one below the other; each is dropped from the list once it is copied."""
    whole = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), dtype=parts[0].dtype)
    end = len(whole)
    while parts:
        part = parts.pop()
        whole[end - len(part) : end] = part
        end -= len(part)
    return whole


def _by_bucket(signatures: npt.NDArray[np.uint8], band: int) -> tuple[_Rows, npt.NDArray[np.uint32]]:
    """The rows in the order of their buckets, and the bucket of each."""
    bucket = signatures.view(np.uint32)[:, band]
    # Sorted as one number with the row behind the bucket, which is several times faster than an order of buckets.
    packed = bucket.astype(np.uint64) << np.uint64(32) | np.arange(len(bucket), dtype=np.uint64)
    packed.sort()
    halves = packed.view(np.uint32).reshape(-1, 2)  # the lower one first
    return halves[:, 0].astype(np.int32), halves[:, 1].copy()


def _compared(
    signatures: npt.NDArray[np.uint64], rows: _Rows, buckets: npt.NDArray[np.uint32], label: _Rows
) -> Iterator[tuple[_Rows, _Rows, npt.NDArray[np.int64]]]:
    """Pairs of rows that share a bucket and no label, and the equal places of each: every row with the next of its
    bucket, the one after that, and the first.

    Not all pairs, of which a bucket of 10,000 has 50 million; similar ones are connected through each other. Part by
    part: of all at once the signatures alone would need more memory than everything else.
    """
    starts = np.flatnonzero(np.diff(buckets, prepend=~buckets[:1]))
    for begin in range(0, len(rows), _PART):
        part = rows[begin : begin + _PART + 2]
        own, named = signatures[part], label[part]
        for step in (1, 2):
            a, b = slice(0, min(_PART, len(part) - step)), slice(step, _PART + step)
            inside = buckets[begin : begin + len(part)]
            pairs = np.flatnonzero((inside[a] == inside[b]) & (named[a] != named[b]))
            if len(pairs):
                yield part[pairs], part[pairs + step], _equal_places(own[pairs], own[pairs + step])
        part = part[:_PART]
        before, after = np.searchsorted(starts, (begin + 1, begin + len(part)))
        begins = np.zeros(len(part), dtype=np.int64)
        begins[starts[before:after] - begin] = 1
        first = starts[np.cumsum(begins) + before - 1]
        far = np.flatnonzero(np.arange(begin, begin + len(part)) - first > 2)
        far = far[label[rows[first[far]]] != label[part[far]]]
        if len(far):
            heads = rows[first[far]]
            yield heads, part[far], _equal_places(signatures[heads], own[far])


def _equal_places(a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """(k,) how many of the 32 bytes of a and b, (k, 4) each, are the same."""
    low = np.uint64(0x7F7F7F7F7F7F7F7F)
    differ = a ^ b
    # The highest bit of every byte becomes 1 where the byte is not 0.
    differ = (((differ & low) + low) | differ) & ~low
    unequal: npt.NDArray[np.int64] = np.bitwise_count(differ).sum(axis=1, dtype=np.int64)
    return _SIGNATURE - unequal


class _Forest:
    """Which of n nodes are connected: each knows another one of its component, the lowest knows itself."""

    def __init__(self, n: int, parent: _Rows | None = None) -> None:
        self.parent: _Rows = np.arange(n, dtype=np.int32) if parent is None else parent

    def join(self, left: _Rows, right: _Rows) -> npt.NDArray[np.bool_]:
        """Connects the nodes of each pair; (k,) whether they were in different components before."""
        a, b = self._roots(left), self._roots(right)
        joins: npt.NDArray[np.bool_] = a != b
        a, b = a[joins], b[joins]
        while len(a):
            low, high = np.minimum(a, b), np.maximum(a, b)
            np.minimum.at(self.parent, high, low)
            a, b = self._roots(a), self._roots(b)
            differ = a != b
            a, b = a[differ], b[differ]
        return joins

    def _roots(self, nodes: _Rows) -> _Rows:
        while True:
            roots: _Rows = self.parent[nodes]
            up = self.parent[roots]
            if np.array_equal(up, roots):
                return roots
            self.parent[nodes] = up  # a chain of these nodes is half as long each time

    def flatten(self) -> None:
        """Lets each node know the lowest of its component."""
        while not np.array_equal(up := self.parent[self.parent], self.parent):
            self.parent = up
