"""The variants and pictures of a product that stand in rows below it, and what they have from its first row."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from worker.ingest import column_synonyms, prices

KEPT = 50_000
"""Products whose texts are kept for the variants below them; a variant farther below finds none."""

AN_IMAGE = "an image of a product, no product"

_TEXTS = ("title", "description", "category", "brand")
_PICTURES = ("image", "img", "picture", "photo", "media", "bild", "thumbnail", "gallery", "alt")


@dataclass(frozen=True, slots=True)
class Family:
    """The columns that say which rows belong together."""

    parent: str  # a variant's cell here …
    of: str  # … is that of its product here; often the same column


def find(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> tuple[Family | None, int]:
    """The columns by which rows without a title belong to a product above them, and how many of these rows do; None, 0
    where none do."""
    place = columns.index(title) if title in columns else -1
    best: tuple[Family | None, int] = (None, 0)
    if place < 0:
        return best
    bare = [i for i, row in enumerate(rows) if not row[place].strip()]
    if not bare:
        return best
    for parent in (i for i, name in enumerate(columns) if column_synonyms.names_parent(name)):
        for of in dict.fromkeys([parent, *(i for i in range(len(columns)) if column_synonyms.score(columns[i], "id"))]):
            known: set[str] = set()
            count = 0
            for row in rows:
                if row[place].strip():
                    known.add(_key(row[of]))
                elif _key(row[parent]) and _key(row[parent]) in known:
                    count += 1
            if count > best[1]:
                best = Family(columns[parent], columns[of]), count
    return best


def first_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """The rows that are no further row of a handle: those which say what a product is called."""
    places = [i for i, name in enumerate(columns) if column_synonyms.names_parent(name)]
    for place in places:
        seen: set[str] = set()
        firsts = []
        for row in rows:
            key = _key(row[place])
            if not key or key not in seen:
                firsts.append(row)
            seen.add(key)
        if len(firsts) < len(rows) and any(_key(row[place]) for row in firsts):
            return firsts
    return rows


def picture_columns(columns: Sequence[str]) -> list[int]:
    """The columns of pictures and of what is said about them."""
    return [i for i, name in enumerate(columns) if set(column_synonyms.plain(name).split()) & set(_PICTURES)]


def _key(cell: str) -> str:
    return cell.strip().removeprefix("id:")


@dataclass(slots=True)
class Inheritance:
    """Gives rows without a title the texts of the first row of their product, block by block, in the file's order."""

    family: Family
    columns: Sequence[str]
    _known: OrderedDict[str, tuple[str, ...]] = field(default_factory=OrderedDict)

    def apply(self, frame: pl.DataFrame, texts: dict[str, pl.Series]) -> list[int]:
        """Fills in `texts` (column of items -> its tidy cells in `frame`); the rows that hold nothing but a picture."""
        title = texts["title"]
        bare = (title == "").arg_true().to_list()
        of = self._keys(frame, self.family.of)
        parent = self._keys(frame, self.family.parent)
        wanted = {parent[row] for row in bare} - {""}
        images = [row for row in bare if self._is_image(frame.row(row))]
        taken: dict[int, tuple[str, ...]] = {}
        pending = sorted({*bare} - {*images})
        named = title != ""
        first = pl.DataFrame({"key": of, "row": pl.int_range(len(frame), eager=True)}).filter(named & (of != ""))
        firsts = first.unique("key", keep="first", maintain_order=True)
        here = dict(zip(firsts["key"], firsts["row"], strict=True))
        for row in pending:
            key = parent[row]
            if not key:
                continue
            if key in self._known:
                taken[row] = self._known[key]
            elif here.get(key, len(frame)) < row:
                taken[row] = self._texts(texts, here[key])
        # A product whose variants may go on in the next block; all others of this block are known from now on, too.
        for key, row in list(here.items())[-KEPT:]:
            if key not in self._known:
                self._known[key] = self._texts(texts, row)
            elif key not in wanted:
                self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        if taken:
            rows = list(taken)
            for place, name in enumerate(_TEXTS):
                own = texts[name].gather(rows)
                given = pl.Series([values[place] for values in taken.values()], dtype=pl.String)
                texts[name] = texts[name].scatter(
                    rows, pl.select(pl.when(own == "").then(given).otherwise(own)).to_series()
                )
        return images

    def _keys(self, frame: pl.DataFrame, column: str) -> pl.Series:
        cells = frame[f"c{self.columns.index(column)}"].fill_null("").str.strip_chars()
        return cells.str.strip_prefix("id:")

    def _texts(self, texts: dict[str, pl.Series], row: int) -> tuple[str, ...]:
        return tuple(texts[name][row] for name in _TEXTS)

    def _is_image(self, cells: Iterable[str | None]) -> bool:
        pictures = set(picture_columns(self.columns))
        parents = {self.columns.index(self.family.parent), self.columns.index(self.family.of)}
        filled = {i for i, cell in enumerate(cells) if cell and cell.strip().casefold() not in prices.MISSING}
        return bool(filled & pictures) and not filled - pictures - parents
