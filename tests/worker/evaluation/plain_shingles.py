"""The search for near-copies without anything that is kept: all texts in one table, bands met by joins."""

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from worker.evaluation import leakage
from worker.evaluation.shingles import BANDS, BUCKET, COMMON_ROWS, COMMON_SHARE, FEWEST, WIDTH


def near(texts: pl.Series, known: pl.DataFrame, copies: pl.DataFrame, seed: int = 0):
    """As worker.evaluation.leakage.Known.near: place and score of each text, and the threshold."""
    n, m = len(known), len(texts)
    sets, codes = _sets(pl.concat([leakage.text_of(known), texts, leakage.text_of(copies)]))
    sampled = leakage.sample(pl.DataFrame({"place": np.arange(n)}), seed + 1)["place"].to_numpy()
    groups = known["group_id"].to_numpy()
    _, accidents = _best(sets, codes, sampled, n, groups)
    met, scores = _best(sets, codes, np.arange(n + m, n + m + len(copies)), n)
    right = [place >= 0 and known["key"][int(place)] == key for place, key in zip(met, copies["key"])]
    planted = pl.DataFrame({"score": scores, "is_right": pl.Series(right, dtype=pl.Boolean)})
    limit = leakage.threshold(leakage.NEAR, planted, accidents)
    met, scores = _best(sets, codes, np.arange(n, n + m), n)
    return np.where(scores >= limit.value, met, -1), scores, limit


def _sets(texts: pl.Series):
    words = pl.DataFrame({"text": texts}).with_row_index("row").with_columns(pl.col("text").str.split(" "))
    words = words.explode("text").filter(pl.col("text") != "")
    row, code = words["row"].to_numpy().astype(np.int64), words["text"].hash(seed=3).to_numpy()
    with np.errstate(over="ignore"):
        pairs = (code[:-1] * np.uint64(0x9E3779B97F4A7C15)) ^ code[1:]
    inside = row[:-1] == row[1:]
    rows = np.concatenate([row, row[:-1][inside]])
    codes, columns = np.unique(np.concatenate([code, pairs[inside]]), return_inverse=True)
    n = len(texts)
    sets = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(n, max(1, len(codes))))
    sets.sum_duplicates()
    sets.data[:] = 1.0
    common = np.bincount(sets.indices, minlength=sets.shape[1]) > max(COMMON_ROWS, COMMON_SHARE * n)
    of_entry = np.repeat(np.arange(n), np.diff(sets.indptr))
    rare = np.bincount(of_entry[~common[sets.indices]], minlength=n)
    sets.data[common[sets.indices] & (rare[of_entry] >= FEWEST)] = 0.0
    sets.eliminate_zeros()
    return sets, codes


def _best(sets, codes, asking, n, labels=None):
    found, score = np.full(len(asking), -1), np.zeros(len(asking))
    filled = np.diff(sets.indptr) > 0
    one, other = np.flatnonzero(filled[asking]), np.flatnonzero(filled[:n])
    if not len(one) or not len(other):
        return found, score
    met = []
    for left, right in zip(_bands(sets[asking[one]], codes), _bands(sets[other], codes)):
        there = pl.DataFrame({"key": right, "known": other}).filter(pl.int_range(pl.len()).over("key") < BUCKET)
        met.append(pl.DataFrame({"key": left, "asking": one}).join(there, on="key").select("asking", "known"))
    for left, right in pl.concat(met).unique().sort("asking", "known").iter_rows():
        if labels is not None and labels[asking[left]] == labels[right]:
            continue
        a, b = set(sets[asking[left]].indices), set(sets[right].indices)
        alike = len(a & b) / len(a | b)
        if alike > score[left]:
            found[left], score[left] = right, alike
    return found, score


def _bands(sets, codes):
    own = (codes ^ (codes >> np.uint64(32))).astype(np.uint32)[sets.indices]
    random = np.random.default_rng(20261123)
    for _ in range(BANDS):
        key = np.zeros(sets.shape[0], dtype=np.uint64)
        for factor in random.integers(1, 2**32, WIDTH, dtype=np.uint32) | np.uint32(1):
            mixed = own * factor
            mixed ^= mixed >> np.uint32(16)
            mixed *= np.uint32(0x85EBCA6B)
            key = (key ^ np.minimum.reduceat(mixed, sets.indptr[:-1]).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        yield (key >> np.uint64(32)).astype(np.uint32)
