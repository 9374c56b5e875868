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


def _normalised(text: pl.Series) -> pl.Series:
    """The texts in lower case, letters and digits only, one space between words."""
    return text.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars(" ")


def grams(titles: pl.Series) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """(codes, offsets): the four-byte groups of every word of every title; title i has codes[offsets[i]:offsets[i+1]].

    Groups do not reach over a space, so the order of words does not matter. Every title has at least one code.
    """
    plain = _normalised(titles)
    bare = plain.str.replace_all(_VARIANT, "").str.strip_chars(" ")
    words = pl.select(pl.when(bare.str.len_chars() >= 3).then(bare).otherwise(plain)).to_series()
    # A space on both sides of a word makes its beginning and end count; one more makes a group for one-letter words.
    padded = pl.select(pl.lit("  ") + words.str.replace_all(" ", "  ", literal=True) + pl.lit("   ")).to_series()
    lengths = padded.str.len_bytes().to_numpy().astype(np.int64)
    raw = np.frombuffer("".join(padded.to_list()).encode(), dtype=np.uint8)
    a, b, c, d = raw[:-3], raw[1:-2], raw[2:-1], raw[3:]
    # A double space between two words is a border that no group may contain, unless the group stands at the border.
    keep = ~((b == _SPACE) & (c == _SPACE)) & ~((a == _SPACE) & (b == _SPACE)) & ~((c == _SPACE) & (d == _SPACE))
    starts = np.cumsum(lengths) - lengths
    keep[starts] = True  # the first group of a title, so that none is without
    codes = a.astype(np.uint32) | b.astype(np.uint32) << 8 | c.astype(np.uint32) << 16 | d.astype(np.uint32) << 24
    places = np.flatnonzero(keep)
    return codes[places].astype(np.uint32, copy=False), np.searchsorted(places, starts).astype(np.int64, copy=False)


def keys(items: pl.DataFrame) -> npt.NDArray[np.uint64]:
    """(n,) one number per item's whole text, up to case."""
    text = pl.concat_str("title", "brand", "description", separator=" ").str.to_lowercase()
    return items.select(text.hash(seed=7)).to_series().to_numpy()
