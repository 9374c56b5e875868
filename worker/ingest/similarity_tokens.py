"""The letter groups that stand for a title, and the number for an item's whole text. Vectorised over a batch."""

import numpy as np
import numpy.typing as npt
import polars as pl

_SPACE = ord(" ")

_VARIANTS = (
    "black|white|red|green|blue|yellow|orange|purple|violet|pink|brown|grey|gray|silver|"
    "gold|golden|beige|navy|teal|turquoise|ivory|cream|charcoal|khaki|burgundy|maroon|"
    "magenta|cyan|lime|olive|bronze|copper|multicolor|multicolour|schwarz|weiss|weiß|rot|"
    "grün|gruen|blau|gelb|lila|rosa|braun|grau|silber|noir|blanc|rouge|vert|bleu|jaune|"
    "gris|negro|blanco|rojo|verde|azul|amarillo|nero|bianco|rosso|giallo|czarny|biały|"
    "czerwony|niebieski|xs|s|m|l|xl|xxl|xxxl|2xl|3xl|4xl|small|medium|large|size|colour|"
    "color"
)
"""Words in which variants of one product differ. Sizes with digits stay: 250 ml and 500 ml cost different money, and
titles that differ in them alone are similar enough anyway."""

_VARIANT = rf"(?:\b(?:{_VARIANTS})\b ?)"
_VARIANT_WORDS = [f" {word} " for word in _VARIANTS.split("|")]


def _normalised(text: pl.Series) -> pl.Series:
    """The texts in lower case, letters and digits only, one space between words."""
    # A single space is left alone: most of what would be replaced is one, and each replacement costs.
    words = text.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N} ]+", " ").str.replace_all("  +", " ")
    return words.str.strip_chars(" ")


def _without_variants(plain: pl.Series) -> pl.Series:
    """The normalised texts without words for colours and sizes, but for those of which nearly nothing would be left."""
    # Finding words between spaces is cheaper than the expression; beyond ASCII words end otherwise, too ("5 m²").
    may_hold = pl.select(
        pl.concat_str(pl.lit(" "), plain, pl.lit(" ")).str.contains_any(_VARIANT_WORDS)
        | (plain.str.len_bytes() != plain.str.len_chars())
    ).to_series()
    if not may_hold.any():
        return plain
    before = plain.filter(may_hold)
    bare = before.str.replace_all(_VARIANT, "").str.strip_chars(" ")
    return plain.scatter(may_hold.arg_true(), bare.zip_with(bare.str.len_chars() >= 3, before))


def grams(titles: pl.Series) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """(codes, offsets): the four-byte groups of every word of every title; title i has codes[offsets[i]:offsets[i+1]].

    Groups do not reach over a space, so the order of words does not matter. Every title has at least one code.
    """
    words = _without_variants(_normalised(titles))
    # Two spaces stand before a title: the group that begins there is its own, whatever else it has.
    starts = np.cumsum(words.str.len_bytes().to_numpy().astype(np.int64) + 2)
    starts = np.concatenate([[0], starts[:-1]])
    raw = np.frombuffer(b"  " + words.str.join("  ").cast(pl.Binary).item() + b"  ", dtype=np.uint8)
    is_letter = raw != _SPACE
    keep = is_letter[1:-2] & is_letter[2:-1]  # a space stands at most at a border, for a word's beginning or end
    keep[starts] = True
    groups = np.ndarray(len(raw) - 3, "<u4", raw, strides=(1,))  # one from every byte on
    places = np.flatnonzero(keep)
    return groups[places].astype(np.uint32, copy=False), np.searchsorted(places, starts).astype(np.int64, copy=False)


def keys(items: pl.DataFrame) -> npt.NDArray[np.uint64]:
    """(n,) one number per item's whole text, up to case."""
    text = pl.concat_str("title", "brand", "description", separator=" ").str.to_lowercase()
    return items.select(text.hash(seed=7)).to_series().to_numpy()
