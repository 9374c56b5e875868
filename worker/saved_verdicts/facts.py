"""The facts of a saved verdict: what was decided, among what, and what all of it rests on."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from db.types import Tariff
from worker.evaluation.choice import Limits, Question

Prices = dict[str, Decimal | None]
"""Dollars per million tokens by kind; None: nobody said it."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Line(_Frozen):
    """One technique of the comparison, as it stood there."""

    job: int
    label: str
    spec: dict[str, Any]
    spec_hash: str
    verdict: str | None  # worker.evaluation.compare.Verdict
    error: float | None  # by the measure
    low: float | None
    high: float | None
    usd_per_1000: float | None
    p50_ms: float | None
    usd_per_hour: Decimal  # of the machine that it ran on
    tariffs: dict[str, Prices | None]  # "endpoint:model" -> what its cost rests on; None: nobody knew
    source: int | None = None  # the other dataset that it learned from; None: the table's own rows
    source_fingerprint: str = ""  # of that dataset, as it was


class Knowledge(_Frozen):
    """A knowledge base as it was searched."""

    signature: str  # of the embedding model
    items: int
    known: str  # db.knowledge.bases.content


class Facts(_Frozen):
    """What a saved verdict holds; the same for as long as it is kept."""

    question: Question | Literal["most accurate"]
    error_limit: float | None = None
    usd_limit: float | None = None  # per 1,000 items
    ms_limit: float | None = None
    measure: str
    level: float
    job: int  # of the chosen technique
    sentence: str
    rows: int  # test rows that were compared
    weighted_by: str = ""  # the column that measures are weighted by; "": none
    jobs: tuple[int, ...]  # all that were compared, repeats included
    lines: tuple[Line, ...]
    models: tuple[str, ...]  # behind endpoints, that the choice needs
    listed: tuple[str, ...]  # those of them that their endpoint named then
    retired: tuple[str, ...] = ()  # adapters of the choice that had been given up when it was saved
    knowledge: Knowledge | None = None  # that the choice searches; None: it searches none, or nobody kept it
    dataset: str  # its name
    fingerprint: str  # of the loaded table

    @property
    def limits(self) -> Limits:
        return Limits(self.error_limit, self.usd_limit, self.ms_limit)

    @property
    def chosen(self) -> Line:
        return next(line for line in self.lines if line.job == self.job)


def prices(tariff: Tariff | None) -> Prices | None:
    """What is kept of a tariff."""
    if tariff is None:
        return None
    return {
        "input": tariff.input, "output": tariff.output, "cached": tariff.cached,
        "batch_input": tariff.batch_input, "batch_output": tariff.batch_output,
    }  # fmt: skip


def parse(stored: Mapping[str, Any]) -> Facts:
    """The facts of a saved verdict as the database has them."""
    return Facts.model_validate(stored)
