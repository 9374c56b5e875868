"""Sentences on what was read beside the prices of a table: cells that say there is none, words left aside, ranges."""

from collections.abc import Mapping

from worker import amounts

_MOST_NAMED = 6

Note = tuple[str, str]
"""As worker.ingest.price_column says it: kind and what stood there."""


def sentences(notes: Mapping[Note, int], rows: int = 0) -> list[str]:
    """One for each kind of note. rows: of the first so many rows that were looked at; 0 = of all."""
    of = f" of the first {rows:,} rows" if rows else ""
    said = []
    if none := _of(notes, "none"):
        n = sum(none.values())
        say = "says" if n == 1 else "say"
        they = "It is read as a row" if n == 1 else "They are read as rows"
        said.append(
            f"{_count(n, 'price cell')}{of} {say} that there is no price ({_listed(none)}). "
            f"{they} without a price, to be priced."
        )
    if aside := _of(notes, "aside"):
        said.append(
            f"Words beside prices{of} are left aside ({_listed(aside)}); each price is the number that stands there."
        )
    if ranges := notes.get(("range", ""), 0):
        said.append(f"{_count(ranges, 'range')} of prices{of} {'is' if ranges == 1 else 'are'} read as the lower end.")
    return said


def _of(notes: Mapping[Note, int], kind: str) -> dict[str, int]:
    return {text: count for (each, text), count in notes.items() if each == kind}


def _listed(counts: Mapping[str, int]) -> str:
    most = sorted(counts, key=lambda text: (-counts[text], text))
    parts = [f"'{text}' {counts[text]:,}" for text in most[:_MOST_NAMED]]
    rest = len(most) - len(parts)
    return amounts.listed([*parts, f"{rest:,} more"] if rest else parts)


def _count(number: int, noun: str) -> str:
    return amounts.count(number, noun)
