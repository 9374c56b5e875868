"""The column of each field (title, price, …): proposed from headers and content, checked when chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from db.errors import MappingError
from worker.amounts import currencies
from worker.ingest import column_synonyms, dates, prices, side_values
from worker.ingest.types import FIELDS, PROPOSED

_NAMES_CURRENCIES = 0.5  # share of cells that are the code, sign or name of a currency: the column holds those
_SAMPLE = 300  # rows are enough to see what a column holds


@dataclass(frozen=True, slots=True)
class _Look:
    """What the cells of a column look like."""

    filled: int
    mean_length: float
    distinct: float  # distinct values / filled cells
    price_share: float
    has_sign: bool  # currency signs or decimals: prices rather than counts
    is_counting: bool  # whole numbers that are all different
    has_spaces: float
    is_repeating: bool  # several values, each used more than once on average
    letters: float  # share of cells with a letter
    codes: float  # share of cells that are the code, the sign or the name of a currency
    dates: float  # share of cells that are a date
    sides: tuple[float, int]  # share of cells that name a side, and how many different sides they name


def _look(cells: Sequence[str]) -> _Look:
    filled = [cell.strip() for cell in cells if cell.strip().casefold() not in prices.MISSING]
    if not filled:
        return _Look(0, 0, 0, 0, False, False, 0, False, 0, 0, 0, (0, 0))
    share = prices.share_of_prices(filled)
    distinct = len(set(filled)) / len(filled)
    return _Look(
        filled=len(filled),
        mean_length=mean(map(len, filled)),
        distinct=distinct,
        price_share=share,
        has_sign=mean(prices.has_money_sign(c) or "." in c or "," in c for c in filled) > 0.3,
        is_counting=share > 0.9 and distinct == 1 and all(c.isdecimal() for c in filled) and len(filled) > 1,
        has_spaces=mean(" " in c for c in filled),
        is_repeating=len(set(filled)) > 1 and distinct <= 0.5,
        letters=mean(any(map(str.isalpha, c)) for c in filled),
        codes=mean(bool(currencies.code_in(c)) for c in filled),
        dates=0.0 if any(map(str.isdecimal, filled[:1])) else dates.share_of_dates(filled[:50]),
        sides=side_values.share_of_sides(filled),
    )


def propose(columns: Sequence[str], sample_rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """The mapping field -> column: from headers first, then from content for title, price, description, id, side,
    category and brand.

    A field whose column can't be told is left out; the title is found whenever any column has text.
    """
    looks = [_look([row[i] for row in sample_rows[:_SAMPLE] if i < len(row)]) for i in range(len(columns))]
    chosen: dict[str, int] = {}
    candidates = sorted(
        (
            (_fit(name, field, look), -index, field)
            for index, (name, look) in enumerate(zip(columns, looks, strict=True))
            for field in PROPOSED
        ),
        reverse=True,
    )
    for fit, negative_index, field in candidates:
        if fit > 0 and field not in chosen and -negative_index not in chosen.values():
            chosen[field] = -negative_index
    _side_from_content(chosen, looks)
    _from_content(chosen, looks, columns)
    return {field: columns[chosen[field]] for field in PROPOSED if field in chosen}


def _fit(name: str, field: str, look: _Look) -> float:
    """A header's score, 0 where the content says otherwise."""
    score = column_synonyms.score(name, field)
    if field == "price":
        # A column that is simply called price is one, even where most of its cells say "on request".
        wrong = look.filled > 0 and look.price_share < (0.05 if score > 0.9 else 0.5)
    elif field == "currency":
        wrong = look.codes < _NAMES_CURRENCIES
    elif field == "side":
        wrong = look.sides[0] < 0.5
    elif field == "id":
        wrong = look.filled > 0 and (look.mean_length > 60 or look.distinct < 0.3)
    else:
        wrong = look.filled > 0 and look.letters == 0 and score < 0.9
    return 0.0 if wrong else score


def _side_from_content(chosen: dict[str, int], looks: Sequence[_Look]) -> None:
    named = [i for i, look in enumerate(looks) if look.sides[0] >= 0.95 and look.sides[1] > 1]
    free = [i for i in named if i not in chosen.values()]
    if "side" not in chosen and free:
        chosen["side"] = free[0]


def _from_content(chosen: dict[str, int], looks: Sequence[_Look], columns: Sequence[str]) -> None:
    """Adds the fields that the headers left open."""

    def free(condition: object = True) -> list[int]:
        del condition
        return [i for i, look in enumerate(looks) if i not in chosen.values() and look.filled]

    known = [column_synonyms.is_known(name) for name in columns]
    if "price" not in chosen:
        # A column of plain whole numbers may be anything: sign, decimals or no header at all make it a price.
        money = [i for i in free() if looks[i].price_share >= 0.8 and not looks[i].is_counting and not known[i]]
        money = [i for i in money if looks[i].has_sign or columns[i].startswith("column_")]
        kinds = [column_synonyms.price_kind(name) for name in columns]
        money = [i for i in money if kinds[i] != "none"]
        if money:
            chosen["price"] = max(
                money, key=lambda i: (kinds[i] == "regular", looks[i].has_sign, looks[i].price_share, -i)
            )
    texts = [i for i in free() if looks[i].letters > 0.5 and looks[i].price_share < 0.5 and not known[i]]
    if "title" not in chosen and (texts or free()):
        chosen["title"] = _likeliest_title(texts or free(), looks)
    rest = [i for i in free() if i in texts]
    if "description" not in chosen and rest:
        longest = max(rest, key=lambda i: looks[i].mean_length)
        if looks[longest].mean_length > max(40.0, 1.2 * looks[chosen["title"]].mean_length):
            chosen["description"] = longest
    if "id" not in chosen:
        codes = [
            i
            for i in free()
            if looks[i].distinct == 1 and looks[i].mean_length <= 40 and not looks[i].has_spaces and looks[i].filled > 1
            if not (looks[i].has_sign and looks[i].price_share >= 0.8)  # money that is no price is no id either
            if looks[i].dates < 0.8  # days may all differ and name nothing
        ]
        if codes:
            chosen["id"] = codes[0]
    for field in ("category", "brand"):
        few = [i for i in free() if i in texts and looks[i].filled >= 10 and looks[i].is_repeating]
        few = [i for i in few if looks[i].codes < _NAMES_CURRENCIES]
        if field not in chosen and few:
            chosen[field] = min(few, key=lambda i: (looks[i].distinct, i))


def other_prices(columns: Sequence[str], sample_rows: Sequence[Sequence[str]], price: str) -> list[str]:
    """The columns that are called a price and hold prices, beside the one that was taken for it."""
    return [
        name
        for i, name in enumerate(columns)
        if name != price
        and column_synonyms.score(name, "price")
        and prices.share_of_prices(row[i] for row in sample_rows[:_SAMPLE] if i < len(row)) >= 0.5
    ]


def _likeliest_title(texts: Sequence[int], looks: Sequence[_Look]) -> int:
    """The column of several words, mostly different, and not the long text if there is a shorter one like that."""
    worded = [i for i in texts if looks[i].has_spaces > 0.3 and looks[i].distinct > 0.5]
    names = [i for i in worded if looks[i].distinct > 0.8 and looks[i].mean_length >= 8]
    if names:
        return min(names, key=lambda i: (looks[i].mean_length, i))
    return max(worded or texts, key=lambda i: (looks[i].distinct, looks[i].mean_length))


def check(mapping: Mapping[str, str], columns: Sequence[str]) -> None:
    """Checks a chosen mapping. Raises MappingError when a field is unknown, a column does not exist, or the title is
    missing."""
    for field, column in mapping.items():
        if field not in FIELDS:
            raise MappingError(f"There is no field {field!r}; a column can be {', '.join(FIELDS)}.")
        if column not in columns:
            shown = ", ".join(columns[:20]) + (" and more" if len(columns) > 20 else "")
            raise MappingError(f"There is no column {column!r} for {field}; the file has {shown}.")
    if not mapping.get("title"):
        raise MappingError("Choose the column that holds the product's title; it is the one that is needed.")
