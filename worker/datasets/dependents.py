"""What depends on a thing that is about to be deleted, in words."""

from collections.abc import Sequence

from db.dependents import Dependent
from db.types import Pricer
from worker import amounts


def told(dependents: Sequence[Dependent]) -> list[str]:
    """Sentences: what goes with it, and what stays without it."""
    going, staying = ([each for each in dependents if each.goes is goes] for goes in (True, False))
    said = [f"With it {'goes' if _is_one(going) else 'go'} {_listed(going)}."] if going else []
    said += [f"Without it {'stays' if _is_one(staying) else 'stay'} {_listed(staying)}."] if staying else []
    return said or ["Nothing depends on it."]


def kept_by(what: str, resting: Sequence[Pricer]) -> str:
    """Why something can't be deleted: the pricers that rest on it."""
    named = [f"{each.name}, version {each.version}" for each in resting]
    them = "that version" if len(named) == 1 else "those versions"
    return f"{what} can't be deleted: pricer {'; '.join(named)} rests on it. Delete {them} first (Pricers page)."


def _is_one(dependents: Sequence[Dependent]) -> bool:
    return sum(each.count for each in dependents) == 1


def _listed(dependents: Sequence[Dependent]) -> str:
    return amounts.listed([_one(each) for each in dependents])


def _one(dependent: Dependent) -> str:
    return f"{amounts.count(dependent.count, dependent.noun)} {dependent.about}".rstrip()
