"""Texts and questions that measure what a language model knew before it was trained on prices.

All of it was written for this purpose: plain English of several domains. Nothing of it is about what things cost.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Passage:
    domain: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A sentence's beginning with endings of one kind, the first of them right."""

    start: str
    endings: tuple[str, ...]


@cache
def prose() -> tuple[Passage, ...]:
    """Neutral passages, whose perplexity is measured. Never trained on."""
    return _passages("prose.txt")


@cache
def questions() -> tuple[Question, ...]:
    """Questions that a model of 135 million weights answers better than by chance."""
    lines = [[piece.strip() for piece in line.split("|")] for line in _read("questions.txt").splitlines()]
    return tuple(Question(start, tuple(f" {ending}" for ending in endings)) for start, *endings in lines)


def replay() -> list[str]:
    """General texts to be mixed among the rows of a training, so that it forgets less. None of them is in `prose`."""
    return [passage.text for passage in _passages("replay.txt")]


def _passages(name: str) -> tuple[Passage, ...]:
    """Paragraphs below lines "# domain"."""
    passages, domain = [], ""
    for block in _read(name).split("\n\n"):
        if block.startswith("# "):
            domain = block.removeprefix("# ").strip()
        elif block.strip():
            passages.append(Passage(domain, " ".join(block.split())))
    return tuple(passages)


def _read(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
