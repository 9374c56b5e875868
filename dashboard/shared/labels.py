"""Labels of several things, no two of them the same."""

import unicodedata
from collections import Counter
from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import TypeVar

Id = TypeVar("Id", bound=Hashable)


def unique(names: Mapping[Id, str], made: Mapping[Id, datetime] | None = None, *, number: str = "id") -> dict[Id, str]:
    """Id -> its name; where several would read alike followed by when it was made, and where that does not tell them
    apart by its id, as "id 31". `number`: what else to call an id.

    Lists of choices tell their entries apart by these texts alone, so two that are alike would be one.
    """
    labels = dict(names)
    for key in _alike(labels):
        labels[key] = f"{labels[key]} · {made[key]:%Y-%m-%d %H:%M}" if made and key in made else labels[key]
    numbered: set[Id] = set()
    while same := _alike(labels) - numbered:  # an id may make a label read like another one: then that needs its own
        labels |= {key: f"{labels[key]} · {number} {key}" for key in same}
        numbered |= same
    return labels


def _alike(labels: Mapping[Id, str]) -> set[Id]:
    seen = {key: _seen(label) for key, label in labels.items()}
    count = Counter(seen.values())
    return {key for key, text in seen.items() if count[text] > 1}


def _seen(text: str) -> str:
    """What a reader can tell apart: not how wide a space is, nor marks that are not drawn."""
    if text.isascii() and text.isprintable():  # as most are: letters that are drawn, and have one form
        return " ".join(text.split())
    drawn = "".join(letter for letter in text if letter.isspace() or unicodedata.category(letter) not in ("Cc", "Cf"))
    return " ".join(unicodedata.normalize("NFKC", drawn).split())
