"""How does text become numbers without a stored vocabulary? Hashed n-grams of words and letters, in columns.

The hashing trick (Weinberger and others 2009): an n-gram is the number of its bucket, so that fitting keeps no word
list and pricing needs none. All codes are computed on one long byte array, which is about ten times faster than
taking every text apart on its own. Codes depend on bytes only, never on a library's hash function: what was
fitted by one version is read by the next.
"""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

Codes = npt.NDArray[np.uint64]
Docs = npt.NDArray[np.int64]

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_SPACE = 32
LONGEST = 4000  # letters of an item that are read; what comes later tells next to nothing about the price


def text_of(items: pl.DataFrame) -> pl.Series:
    """Lower-case words of an item, single spaces between them and around; letters, digits and . inside numbers."""
    return items.select(
        pl.concat_str("title", "brand", "category", "description", separator=" ")
        .str.slice(0, LONGEST)
        .str.to_lowercase()
        .str.replace_all(r"(\d)[.,](\d)", "$1.$2")
        .str.replace_all(r"[^\p{L}\p{N}.]+|\.(?:\D|$)", " ")
        .str.replace_all(r" {2,}", " ")
        .str.strip_chars(" ")
        .alias("text")
    ).to_series()


def _bytes(texts: pl.Series) -> tuple[npt.NDArray[np.uint8], Docs]:
    """All texts in one array, a space before and after each, and the text each byte belongs to."""
    padded = texts.to_frame("t").select(pl.format(" {} ", pl.col("t"))).to_series()
    data = np.frombuffer("".join(padded.to_list()).encode(), dtype=np.uint8)
    return data, np.repeat(np.arange(len(texts)), padded.str.len_bytes().to_numpy())


def letter_codes(texts: pl.Series, shortest: int, longest: int) -> tuple[Codes, Docs]:
    """Codes and text numbers of all groups of `shortest` to `longest` bytes that do not cross a word's border.

    A space may stand at either end, so that beginnings and ends of words are told from middles. At most 7 bytes.
    """
    data, docs = _bytes(texts)
    is_space = data == _SPACE
    wide = data.astype(np.uint64)
    codes, owners = [], []
    for size in range(shortest, longest + 1):
        count = len(data) - size + 1
        if count <= 0:
            continue
        code = np.full(count, size, dtype=np.uint64)
        inside = np.ones(count, dtype=bool)
        for offset in range(size):
            code = (code << np.uint64(8)) | wide[offset : offset + count]
            if 0 < offset < size - 1:
                inside &= ~is_space[offset : offset + count]
        codes.append(code[inside])
        owners.append(docs[:count][inside])
    if not codes:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    return np.concatenate(codes), np.concatenate(owners)


def words(texts: pl.Series) -> pl.DataFrame:
    """Every word in order: doc (number of its text), word, code (a polynomial of its bytes)."""
    found = texts.str.split(" ").to_frame("word").with_row_index("doc").explode("word").filter(pl.col("word") != "")
    lengths = found["word"].str.len_bytes().to_numpy().astype(np.int64)
    data = np.frombuffer("".join(found["word"].to_list()).encode(), dtype=np.uint8)
    codes = np.empty(0, dtype=np.uint64)
    if len(found):
        firsts = np.cumsum(lengths) - lengths
        powers = np.cumprod(np.full(int(lengths.max()), _PRIME, dtype=np.uint64))
        offsets = np.arange(len(data)) - np.repeat(firsts, lengths)
        codes = np.add.reduceat((data.astype(np.uint64) + np.uint64(1)) * powers[offsets], firsts)
    return found.select(pl.col("doc").cast(pl.Int64), "word", code=pl.Series(codes, dtype=pl.UInt64))


def word_groups(texts: pl.Series, longest: int) -> tuple[Codes, Docs]:
    """Codes and text numbers of all groups of 1 to `longest` neighbouring words."""
    found = words(texts)
    single, docs = found["code"].to_numpy(), found["doc"].to_numpy()
    codes, owners, group = [single], [docs], single
    for size in range(2, longest + 1):
        count = max(0, len(single) - size + 1)
        group = group[:count] * _PRIME + single[size - 1 : size - 1 + count] + np.uint64(size)
        together = docs[:count] == docs[size - 1 : size - 1 + count]
        codes.append(group[together])
        owners.append(docs[:count][together])
    return np.concatenate(codes), np.concatenate(owners)


def buckets(codes: Codes, count: int) -> npt.NDArray[np.int64]:
    """Spread codes over `count` buckets."""
    mixed = (codes ^ (codes >> np.uint64(31))) * _PRIME
    mixed = (mixed ^ (mixed >> np.uint64(29))) * _PRIME
    # The upper half of a product is uniform over any count, without a modulo.
    return (((mixed >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32)).astype(np.int64)


def counted(codes: Codes, docs: Docs, n: int, count: int) -> csr_matrix:
    """(n, count) how often each bucket occurs in each text."""
    keys = docs * count + buckets(codes, count)
    keys.sort()
    unique, counts = _runs(keys)
    rows, columns = np.divmod(unique, count)
    pointers = np.searchsorted(rows, np.arange(n + 1))
    return csr_matrix((counts.astype(np.float32), columns.astype(np.int32), pointers), shape=(n, count))


def _runs(ordered: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    if not len(ordered):
        return ordered, ordered
    firsts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[firsts], np.diff(np.concatenate([firsts, [len(ordered)]]))


def documents_with(counts: csr_matrix) -> npt.NDArray[np.int64]:
    """(buckets,) in how many texts each bucket occurs."""
    return np.bincount(counts.indices, minlength=counts.shape[1])


def weighed(counts: csr_matrix, idf: npt.NDArray[np.float32]) -> csr_matrix:
    """TF-IDF with log-damped counts, each text of length 1 (Salton and Buckley 1988). idf 0 drops a bucket."""
    data = (1 + np.log(counts.data)) * idf[counts.indices]
    squares = np.add.reduceat(np.append(data**2, 0), counts.indptr[:-1]) * (np.diff(counts.indptr) > 0)
    norms = np.sqrt(np.maximum(squares, 1e-12))
    data = data / np.repeat(norms, np.diff(counts.indptr))
    return csr_matrix((data.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape)


def idf(counts: csr_matrix, fewest: int) -> npt.NDArray[np.float32]:
    """log((1 + n) / (1 + df)) + 1 per bucket, 0 for those in fewer than `fewest` texts."""
    df = documents_with(counts)
    values = np.log((1 + counts.shape[0]) / (1 + df)) + 1
    return np.where(df >= fewest, values, 0).astype(np.float32)
