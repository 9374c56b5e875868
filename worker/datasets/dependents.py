"""What depends on a thing that is about to be deleted, in words."""

from collections.abc import Sequence

from db.dependents import Dependent
from worker import amounts


def told(dependents: Sequence[Dependent]) -> list[str]:
    """Sentences: what goes with it, and what stays without it."""
    going, staying = ([each for each in dependents if each.goes is goes] for goes in (True, False))
    said = [f"With it {'goes' if _is_one(going) else 'go'} {_listed(going)}."] if going else []
    said += [f"Without it {'stays' if _is_one(staying) else 'stay'} {_listed(staying)}."] if staying else []
    return said or ["Nothing depends on it."]


def _is_one(dependents: Sequence[Dependent]) -> bool:
    return sum(each.count for each in dependents) == 1


def _listed(dependents: Sequence[Dependent]) -> str:
    return amounts.counted((each.count, each.noun, each.about) for each in dependents)
