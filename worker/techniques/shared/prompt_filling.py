"""The prompts of a technique's items, with what it took to find their contents."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from worker.llm.base import Prompt, Spent
from worker.prompts.filling import Contents, Filled, Form
from worker.prompts.rendering import Item


@dataclass(slots=True)
class Given(Contents):
    """What an item's prompt holds beside the item, and what it took to find that."""

    spent: Spent = field(default_factory=Spent)
    evidence: dict[str, Any] = field(default_factory=dict)
    error: str | None = None  # nothing can be asked about this item, and why


@dataclass(frozen=True, slots=True)
class Asked:
    prompt: Prompt
    shortened: dict[str, int]  # as worker.prompts.filling.Filled


def fill(form: Form, rows: Sequence[int], items: Sequence[Item], given: Sequence[Given]) -> list[Asked]:
    """One prompt per item, with its row. Raises NotReady when even a bare product does not fit the model."""
    return [_asked(row, filled) for row, filled in zip(rows, form.fill(items, given), strict=True)]


def _asked(row: int, filled: Filled) -> Asked:
    made = filled.prompt
    return Asked(Prompt(made.shared, made.text, made.ask, made.system, row), filled.shortened)
