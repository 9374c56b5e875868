"""The column of each field (title, price, …): proposed from headers and content, checked when chosen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from db.errors import MappingError
from worker.ingest import column_synonyms, evidence, variants
from worker.ingest.evidence import LIKELY, SURE, Fit, Look
from worker.ingest.types import FIELDS, PROPOSED

_SAMPLE = 300  # rows are enough to see what a column holds
_POSSIBLE = 0.35  # a price below this confidence is none
_APART = 0.1  # two columns whose confidences lie nearer than this are as likely
_KEPT = 5  # columns that are told for each field
_TEXTS = ("title", "description", "category", "brand")


@dataclass(frozen=True, slots=True)
class Proposal:
    mapping: dict[str, str]  # field -> column
    fits: dict[str, list[Fit]]  # field -> the likeliest columns, the proposed one first; of each field that has one
    unsure: dict[str, str]  # field -> why a person has to say which column it is, without a full stop
    prices: list[dict[str, Any]]  # columns of money: column, kind, filled (share of rows), median


def propose(columns: Sequence[str], sample_rows: Sequence[Sequence[str]]) -> Proposal:
    """The column that each field is likely to be, from header and content, with how sure that is.

    A field that no column is likely to be is left out; the title is proposed whenever any column has text. A title or
    a price that is not likely is unsure.
    """
    rows = [[*row, *[""] * (len(columns) - len(row))] for row in sample_rows]
    every = _looks(columns, rows)
    firsts = variants.first_rows(columns, rows)
    texts = every if len(firsts) == len(rows) else _looks(columns, firsts)
    fits = {
        field: sorted(
            (evidence.weigh(field, i, each) for i, each in enumerate(texts if field in _TEXTS else every)),
            # Of texts that are as likely, the shorter one names the product.
            key=lambda fit: (
                -fit.confidence,
                -fit.rank,
                texts[fit.column].length if field == "title" and not fit.rank else 0,
                fit.column,
            ),
        )
        for field in PROPOSED
    }
    chosen = _chosen(fits, every, texts)
    told = {
        field: [fit, *(other for other in fits[field][:_KEPT] if other.column != fit.column)][:_KEPT]
        for field, fit in chosen.items()
    }
    return Proposal(
        {field: columns[chosen[field].column] for field in PROPOSED if field in chosen},
        told,
        _unsure(columns, chosen, fits, every, texts),
        _prices(columns, every),
    )


def _looks(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Look]:
    """What each column holds, of rows from the whole sample: its first ones may be unlike the rest."""
    step = max(1, len(rows) // _SAMPLE)
    seen = rows[::step][:_SAMPLE]
    return [evidence.look(name, [row[i] for row in seen]) for i, name in enumerate(columns)]


def _chosen(fits: Mapping[str, Sequence[Fit]], every: Sequence[Look], texts: Sequence[Look]) -> dict[str, Fit]:
    """The fit of each field; no column stands for two fields, and the surest is chosen first."""
    lowest = {"title": 0.01, "price": _POSSIBLE}
    candidates = sorted(
        (
            (-fit.confidence, -fit.rank, place, field, fit)
            for field in PROPOSED
            for place, fit in enumerate(fits[field])
            if fit.confidence >= lowest.get(field, LIKELY)
        ),
        key=lambda each: each[:4],
    )
    chosen: dict[str, Fit] = {}
    for *_, field, fit in candidates:
        is_free = all(fit.column != other.column for other in chosen.values())
        if field not in chosen and is_free and (every[fit.column].filled or fit.rank):
            chosen[field] = fit
    if "title" not in chosen:
        kept = {fit.column for field, fit in chosen.items() if fit.rank or field in ("id", "price")}
        free = [fit for fit in fits["title"] if fit.column not in kept and texts[fit.column].filled]
        free = [fit for fit in free if texts[fit.column].letters] or free
        if free:
            title = max(free, key=lambda fit: (fit.rank, texts[fit.column].distinct, -fit.column))
            chosen = {field: fit for field, fit in chosen.items() if fit.column != title.column} | {"title": title}
    description = chosen.get("description")
    # Without a header that says so, the description is a text that is longer than the title.
    shortest = max(40.0, 1.2 * texts[chosen["title"].column].length) if "title" in chosen else 40.0
    if description and not description.rank and texts[description.column].length <= shortest:
        del chosen["description"]
    return chosen


def _unsure(
    columns: Sequence[str],
    chosen: Mapping[str, Fit],
    fits: Mapping[str, Sequence[Fit]],
    every: Sequence[Look],
    texts: Sequence[Look],
) -> dict[str, str]:
    unsure = {}
    taken = {fit.column for fit in chosen.values()}
    for field in ("title", "price"):
        fit = chosen.get(field)
        if fit is None:
            if field == "price" and (named := _moved_from(every, alone=True)):
                unsure[field] = (
                    f"it is not sure that there is no price: by its header {named!r} holds it, and no cell of that is "
                    "a number, so that cells may stand below the wrong names"
                )
            continue
        name = columns[fit.column]
        rivals = [
            other
            for other in fits[field]
            if other.column not in taken
            and fit.confidence - other.confidence < _APART
            and other.confidence >= _POSSIBLE
        ]
        if field == "title":
            rivals = [] if fit.rank else [other for other in rivals if not _is_text_of(texts, fit, other)]
        else:
            rivals = [other for other in rivals if _is_same_price(every, fit, other)]
        if field == "price" and not fit.rank and (named := _moved_from(every)):
            unsure[field] = (
                f"it is not sure that {name!r} holds the price: by its header {named!r} does, and no cell of that is a "
                "number, so that cells may stand below the wrong names"
            )
        elif fit.confidence < LIKELY:
            unsure[field] = f"it is not sure that {name!r} holds the {field}: {fit.why}"
        elif rivals:
            others = _listed([columns[other.column] for other in rivals[:3]])
            unsure[field] = f"it is not sure that {name!r} holds the {field}: {others} may be it as well"
        elif field == "price" and (regular := _regular_beside(every, fit.column)):
            unsure[field] = (
                f"it is not sure that {name!r} holds the price: it is another one than {regular.name!r}, of which "
                f"{regular.share:.0%} of the cells are filled"
            )
        elif field == "price" and (fuller := _fuller(every, fit.column)):
            unsure[field] = (
                f"it is not sure that {name!r} holds the price: {every[fit.column].share:.0%} of its cells are filled, "
                f"{fuller.share:.0%} of {fuller.name!r}"
            )
    return {field: why.replace("% of", " % of") for field, why in unsure.items()}


def _moved_from(every: Sequence[Look], *, alone: bool = False) -> str:
    """The column that by its header is the price and holds texts; "" = none does. alone: no column holds prices, so
    that it must have more than words for no price."""
    named = (each for each in every if column_synonyms.score(each.name, "price") > evidence.EXACT / 2)
    texts = (each for each in named if each.filled and not each.prices and each.letters == 1)
    sure = (each for each in texts if not alone or (each.values > 1 and each.distinct == 1 and each.words > 1))
    return next((each.name for each in sure), "")


def _is_text_of(texts: Sequence[Look], title: Fit, other: Fit) -> bool:
    """Whether another text is rather the description of what the title names."""
    return texts[other.column].length > 2 * texts[title.column].length and texts[other.column].length > 40


def _is_same_price(every: Sequence[Look], price: Fit, other: Fit) -> bool:
    """Whether nothing but its place says that one of two columns of money is the price, and the other is not."""
    one, two = every[price.column], every[other.column]
    if column_synonyms.price_kind(one.name) != column_synonyms.price_kind(two.name) or not two.is_money | (
        two.whole > 0
    ):
        return False
    exact = price.rank > evidence.EXACT
    return (not exact or other.rank > evidence.EXACT) and not (exact and _ranks_before(one.name, two.name))


def _ranks_before(one: str, two: str) -> bool:
    """Whether shops that have both names mean the price by the first: it is the commoner by far."""
    return column_synonyms.score(one, "price") - column_synonyms.score(two, "price") >= 0.001


def _regular_beside(every: Sequence[Look], price: int) -> Look | None:
    """A column of regular prices beside one of another kind that was taken for the price."""
    if column_synonyms.price_kind(every[price].name) == "regular":
        return None
    return next(
        (each for each in every if _is_price(each) and column_synonyms.price_kind(each.name) == "regular"), None
    )


def _fuller(every: Sequence[Look], price: int) -> Look | None:
    """Another column of prices that is filled more than twice as often, if there is one."""
    others = [each for i, each in enumerate(every) if i != price and _is_price(each)]
    fullest = max(others, key=lambda each: each.share, default=None)
    return fullest if fullest and fullest.share > 2 * every[price].share else None


def _is_price(each: Look) -> bool:
    return each.prices >= 0.5 and column_synonyms.score(each.name, "price") > 0


def _prices(columns: Sequence[str], every: Sequence[Look]) -> list[dict[str, Any]]:
    return [
        {
            "column": columns[i],
            "kind": column_synonyms.price_kind(each.name),
            "filled": round(each.share, 3),
            "median": round(each.middle, 2),
        }
        for i, each in enumerate(every)
        if _is_price(each) or (each.is_money and column_synonyms.price_kind(each.name) != "none")
    ]


def about_price(each: Mapping[str, Any]) -> str:
    """A column of Proposal.prices in words: 'Sale price' (sale, 17 % filled, median 8.49)."""
    return f"{each['column']!r} ({each['kind']}, {each['filled']:.0%} filled, median {each['median']:.10g})".replace(
        "%", " %"
    )


def level(confidence: float) -> str:
    """A confidence in words: sure, likely, please check."""
    return "sure" if confidence >= SURE else "likely" if confidence >= LIKELY else "please check"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


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
