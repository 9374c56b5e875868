"""A verdict in words, as it is saved, and what deciding anew would cost."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from worker import amounts
from worker.evaluation.measures import DECIDING


def lead(rows: Sequence[Mapping[str, Any]], measure: str) -> str:
    """Which technique is ahead by a measure, how surely, and which can't be told apart from it. rows: as
    worker.pricing.comparison.of_jobs gives them, one with a verdict at least."""
    by = DECIDING[measure]
    judged = [row for row in rows if row["verdict"] is not None]
    first, rest = judged[0], judged[1:]
    low, high = first[f"{measure}_low"], first[f"{measure}_high"]
    sure = (
        "too few rows to say how sure that is"
        if low is None
        else f"{amounts.level(first['level'])} interval {by.written(low)} to {by.written(high)}"
    )
    verb = "is best" if first["verdict"] == "best" else "is ahead"
    start = f"{first['description']} {verb} on {by.short.lower()}: {by.written(first[measure])} ({sure})"
    said = [f"{start}, on {amounts.count(first['n'], 'test row')}"]
    if not rest:
        said.append("Nothing else was compared with it")
    elif first["verdict"] == "best":
        said.append("Every other technique is measurably worse, all comparisons taken together")
    if ties := [row["description"] for row in rest if row["verdict"] == "tie"]:
        said.append(f"{amounts.listed(ties)} can't be told apart from it")
    if first["weighted_by"]:
        said.append(f"{by.short} is weighted by {first['weighted_by']}")
    return ". ".join(said) + "."


def anew(usd: Decimal, seconds: float, techniques: int, rows: int, unknown: Sequence[str]) -> str:
    """What deciding anew would cost; unknown: the techniques of whose cost nobody knows enough, which are not in it."""
    size = f"{amounts.count(techniques, 'technique')} on {amounts.count(rows, 'test row')}"
    if not techniques:
        return "Nothing of it can be run again."
    least = "at least" if unknown else "about"
    said = f"Deciding anew would cost {least} {amounts.usd(usd)} and take {amounts.duration(seconds)}: {size}."
    return f"{said} What {amounts.listed(list(unknown))} would cost is unknown." if unknown else said
