"""How the rows of a dataset came to be train, validation or test rows, and what may be wrong with that, in words."""

from collections.abc import Mapping
from typing import Any

from db.types import Dataset, Split
from worker import amounts

PART = "division"
"""The part of a dataset's profile that says how it was divided."""


def kept(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a profile that a version with the same rows on the same sides takes over."""
    return {PART: profile[PART]} if PART in profile else {}


def facts(dataset: Dataset) -> list[str]:
    """Sentences on how the rows were divided; none where it was done the usual way."""
    about = dataset.profile.get(PART)
    if not about:
        return []
    column = dataset.mapping.get(about["by"], "")
    if about["by"] == "side":
        said = [f"Sides are those of the column {column}."]
    elif about["test_from"] is None:
        said = [f"Sides go by the column {column}."]
    else:
        validated = f", validation rows on or after {about['validation_from']}" if about["validation_from"] else ""
        said = [
            f"Sides go by the column {column}: test rows are dated on or after {about['test_from']}{validated}; train "
            "rows before."
        ]
    if cut := about["validation_cut"]:
        said.append(
            f"There was no validation side, so {amounts.count(cut, 'train row')} became validation: drawn by whole "
            "groups of near-duplicates."
        )
    return said


def doubts(dataset: Dataset) -> list[str]:
    """Sentences on what a division by column or date leaves out, lacks or tears apart, and what that means."""
    about = dataset.profile.get(PART)
    if not about:
        return []
    return [*_left_out(dataset), *_undated(dataset), *_lacking(dataset), *_torn(dataset)]


def _left_out(dataset: Dataset) -> list[str]:
    about, reasons = dataset.profile[PART], dataset.profile.get("reasons", {})
    count = sum(rows for reason, rows in reasons.items() if reason.startswith(f"{about['by']} "))
    if not count:
        return []
    column = dataset.mapping.get(about["by"], "")
    what = "side" if about["by"] == "side" else "date"
    return [
        f"{amounts.count(count, 'priced row')} {_is(count)} left out, because the column {column} gives no {what} that "
        "can be read: nothing is learned from such rows, which may be meant for testing, and nothing tested on them. "
        "They are among the rejects, each with its reason."
    ]


def _undated(dataset: Dataset) -> list[str]:
    missing = dataset.profile.get("missing", {}).get("date", 0)
    if dataset.profile[PART]["by"] == "date" or "date" not in dataset.mapping or not missing:
        return []
    return [
        f"{amounts.count(missing, 'item')} of {dataset.items:,} {_is(missing)} without a date that can be read in the "
        f"column {dataset.mapping['date']}: errors by date leave them out."
    ]


def _lacking(dataset: Dataset) -> list[str]:
    has = {side: dataset.splits.get(side, 0) for side in (Split.TRAIN, Split.TEST)}
    if not sum(has.values()):
        return []
    by_date = dataset.profile[PART]["by"] == "date"
    if not has[Split.TEST]:
        why = "No row is dated late enough for the test side" if by_date else "The column names no test rows"
        return [f"{why}, so errors can't be measured here."]
    if not has[Split.TRAIN]:
        why = "No row is dated before the test side" if by_date else "The column names no train rows"
        return [f"{why}, so nothing can be learned here; learn from another dataset."]
    if not dataset.splits.get(Split.VALIDATION):
        return [
            "There is no validation side, and too few different train rows to cut one from: techniques can't tune "
            "themselves, and prices come without intervals."
        ]
    return []


def _torn(dataset: Dataset) -> list[str]:
    about, tested = dataset.profile[PART], dataset.splits.get(Split.TEST, 0)
    if not about["torn_groups"]:
        return []
    rows = about["torn_test_rows"]
    told = (
        f"{amounts.count(about['torn_groups'], 'group')} of near-duplicates {_has(about['torn_groups'])} rows on "
        + ("several sides.")
    )
    if not rows:
        return [f"{told} None of the test rows is among them. Nothing was moved."]
    return [
        f"{told} {rows:,} of {amounts.count(tested, 'test row')} {_has(rows)} a near-duplicate that is learned from: "
        "their prices can be looked up instead of estimated, so the error on new products is probably larger than the "
        "error measured here. Nothing was moved; the Leaks page shows errors without them."
    ]


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _has(count: int) -> str:
    return "has" if count == 1 else "have"
