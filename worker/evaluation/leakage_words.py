"""What a search for leaks says, in sentences that are no stronger than what was found."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from db.job_results import LeakageResult, LeakKind
from worker import amounts
from worker.evaluation.leakage import IN_PROMPT, NEAR, REWORDED, SAME, TOLD
from worker.evaluation.measures import Measure

LABELS: dict[str, tuple[str, str]] = {
    SAME: ("The same", "Title and description are those of a known item, up to case and punctuation."),
    NEAR: ("Nearly the same", "Most of the words and word pairs that few items have are shared with a known item."),
    REWORDED: ("Reworded", "A known item says the same in other words: the vectors of both texts are close."),
    IN_PROMPT: ("In a prompt", "The title stands in a prompt that a job asked with."),
    TOLD: ("Price in its text", "The item's own price stands in its title or description."),
}
"""Kind -> what a reader calls it, and what it means."""

ACCIDENTAL_ERRORS = 2.0
"""Standard errors by which likenesses must outnumber those by accident before they speak for a leak: accidents are
counted as rare events, whose number varies by the root of its mean."""


def summary(result: LeakageResult) -> str:
    """How many test rows are suspect, and how many would be without a leak."""
    rows, among = len(result.rows), f"{result.test_rows:,} test rows and {result.known_items:,} known items"
    if not rows:
        return f"No suspect was found among {among}."
    share = rows / max(1, result.test_rows)
    said = f"{amounts.count(rows, 'test row')} of {result.test_rows:,} ({share:.1%}) may have been seen before"
    alike = [kind for kind in result.kinds if kind.by_accident is not None]
    like = {row for kind in alike for row in kind.rows}
    expected = sum(kind.by_accident or 0.0 for kind in alike)
    if expected < 1:
        return f"{said}."
    said = f"{said}; about {expected:,.0f} would be as like a known item by accident"
    if len(like) > expected + ACCIDENTAL_ERRORS * math.sqrt(expected):
        return f"{said}."
    which = "these" if len(like) == rows else f"{len(like):,} of them"
    return f"{said}, so {which} need be no leak: look at the pairs."


def accidents(kind: LeakKind) -> str:
    """How many rows of a kind are no leak, as far as that is known."""
    if kind.by_accident is None:
        return amounts.NOTHING
    return "fewer than 1" if 0 < kind.by_accident < 1 else f"about {kind.by_accident:,.0f}"


def sensitivity(kind: LeakKind) -> str:
    """What a search of this kind finds, as planted copies say."""
    if not kind.planted or kind.found is None:
        return amounts.NOTHING
    return f"{kind.found:.0%} of {kind.planted:,} planted"


def change(figures: Sequence[Mapping[str, Any]], names: Mapping[int, str], measure: Measure, column: str = "") -> str:
    """What leaving the suspects out does to the figures and to the verdict.

    figures: lines of worker.leakage.actions.figures, the one ahead first; column: what they are weighted by, "" =
    nothing.
    """
    if not figures:
        return ""
    better = 1 if measure.lower_is_better else -1
    worse = [line for line in figures if line["change_low"] is not None and _least(line, better) > 0]
    easier = [line for line in figures if line["change_low"] is not None and _most(line, better) < 0]
    said = []
    if worse:
        each = [f"{names[line['job_id']]} ({_range(line, measure)})" for line in worse]
        said.append(
            f"Without the suspects these are measured worse on {measure.named(column)}: {amounts.listed(each)}. The "
            "suspects flatter them, or are easier rows"
        )
    if easier:
        each = [f"{names[line['job_id']]} ({_range(line, measure)})" for line in easier]
        said.append(
            f"Measured better on {measure.named(column)} without the suspects, which are harder rows: "
            f"{amounts.listed(each)}"
        )
    if not said:
        said.append(f"No technique's {measure.named(column)} is shown to change without the suspects")
    ahead = figures[0]
    # The verdict "ahead" and "best" are the two that a job in front can have.
    after = next((line for line in figures if line["verdict_without"] in ("best", "ahead")), None)
    if after is not None and after["job_id"] != ahead["job_id"]:
        said.append(f"{names[after['job_id']]} is ahead without them, {names[ahead['job_id']]} with them")
    elif after is not None and after["verdict_without"] != ahead["verdict"]:
        said.append(
            f"{names[ahead['job_id']]} stays ahead, but the verdict on it changes from {ahead['verdict']} to "
            f"{after['verdict_without']}"
        )
    elif after is not None:
        said.append(f"{names[ahead['job_id']]} stays ahead ({ahead['verdict']})")
    return ". ".join(said) + "."


def _least(line: Mapping[str, Any], better: int) -> float:
    return float(min(better * line["change_low"], better * line["change_high"]))


def _most(line: Mapping[str, Any], better: int) -> float:
    return float(max(better * line["change_low"], better * line["change_high"]))


def _range(line: Mapping[str, Any], measure: Measure) -> str:
    """ "$1.20, 95 % interval $0.40 to $2.00", by how much the figure moved."""
    low, high = sorted(abs(line[name]) for name in ("change_low", "change_high"))
    by = f"by {measure.written(abs(line['change']))}"
    return f"{by}, {amounts.level(line['level'])} interval {measure.written(low)} to {measure.written(high)}"
