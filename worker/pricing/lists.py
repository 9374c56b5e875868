"""The two lists of a job at a wished hit rate, with what is promised of them in sentences."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from db import artifacts, datasets, jobs, predictions, results
from db.engine import Session, begin
from db.settings import settings
from db.types import Artifact, Job, Split
from worker import amounts, specs
from worker.evaluation import calibration, certainty, hand_over
from worker.evaluation.certainty import FEWEST, SURE, Certainty, Promise
from worker.evaluation.hand_over import REASONS, Realised

WHY_NONE = (
    f"no hit rate can be promised, because fewer than {FEWEST} validation rows with a price were left to learn from, "
    "or the job ran before there were any: load a larger table, or run it again."
)
"""What is said of a job of which nothing is known; goes on after a colon."""

USUAL_WISH = 80
"""Percent that is wished at first where nothing can be promised."""

PROCEDURE = f"a procedure that keeps it in at least {SURE:.0%} of all draws of calibration rows"
"""How well a promise is kept, whatever the technique."""

ABOUT_WISH = (
    f"A promise is made by {PROCEDURE}, for a share that was wished beforehand. It begins at the most that can be "
    "promised, in steps of 5 %. Choose what you need before you look at the lists: a share that was picked because it "
    "is the most, or because its list looks good, is a little less sure. It speaks of the list as a whole: a "
    "category or a band of prices may hit less often."
)
"""What a person should know who wishes a hit rate."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The rows of a job, divided."""

    wish: float  # hit rate, 0 to 1
    within: float  # tolerance, a share of the true price
    rows: pl.DataFrame  # hand_over.divide of the job's predictions
    groups: pl.DataFrame  # row and group_id, of near-duplicates, of kept rows whose true price is known
    promise: Promise | None
    most: float | None  # the highest hit rate that can be promised; known only where the wish can't be
    realised: Realised | None  # of kept rows whose true price is known

    @property
    def priced(self) -> pl.DataFrame:
        """Rows whose price is kept, with chance."""
        return self.rows.filter(pl.col("reason") == "").drop("reason")

    @property
    def for_a_person(self) -> pl.DataFrame:
        """The other rows, with chance and the reason."""
        return self.rows.filter(pl.col("reason") != "")

    @property
    def expected(self) -> float | None:
        """The hit rate to be expected of the kept rows; None: none is kept."""
        return self.priced["chance"].mean()  # type: ignore[return-value]

    @property
    def reasons(self) -> dict[str, int]:
        """Reason -> rows for a person, without those that no row has."""
        counted = dict(self.for_a_person["reason"].value_counts().iter_rows())
        return {reason: counted[reason] for reason in REASONS if reason in counted}

    def segments(self, by: str) -> pl.DataFrame:
        """`hand_over.segments` of the rows."""
        rows = self.rows.join(self.groups, on="row", how="left")
        return hand_over.segments(rows, self.within, by=by, level=settings().confidence)

    def as_json(self) -> dict[str, Any]:
        found = self.realised
        return {
            "hit_rate": self.wish,
            "within": self.within,
            "sure": SURE,
            "rows": len(self.rows),
            "priced": len(self.priced),
            "for_a_person": len(self.for_a_person),
            "reasons": self.reasons,
            "promised": self.promise and self.promise.wish,
            "most": self.most,
            "expected": self.expected,
            "realised": found
            and {"rows": found.rows, "share": found.share, "low": found.low, "high": found.high, "level": found.level},
            "sentences": sentences(self),
        }


UNLIKE = "unlike"
"""The part of a job's result that holds the rows which are unlike its calibration rows."""

_SUPPORT = "support 1"
"""What the support of a dataset's rows (worker.evaluation.support) is kept under, a part for each side."""


Side = tuple[int, Split]
"""A side of a dataset."""


def sides(job: Job) -> list[Side]:
    """That of its calibration rows, then the sides of the job's rows."""
    return [(job.learned_from, Split.VALIDATION), *((job.dataset_id, side) for side in job.sides)]


def has_support(session: Session, job: Job, side: Side) -> bool:
    """Whether the support of a side is kept."""
    return _kept(session, job, side) is not None


def keep_support(session: Session, job: Job, reckoned: Mapping[Side, pl.DataFrame]) -> None:
    """Keep the support of sides, for all jobs with the same source."""
    for side, frame in reckoned.items():
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        artifact = Artifact({str(side[1]): buffer.getvalue()})
        artifacts.put(session, _support_hash(session, job, side), side[0], artifact, 0.0)


def _support_hash(session: Session, job: Job, side: Side) -> str:
    source = datasets.get(session, job.learned_from)
    of = "" if side[0] == source.id else f" {datasets.fingerprint(datasets.get(session, side[0]))}"
    return datasets.fit_hash(source, _SUPPORT + of)


def _kept(session: Session, job: Job, side: Side) -> bytes | None:
    return artifacts.part(session, _support_hash(session, job, side), str(side[1]))


def _support(session: Session, job: Job, sides: Sequence[Side]) -> pl.DataFrame | None:
    """The support of the rows of sides; None where some of it was never reckoned."""
    parts = [_kept(session, job, side) for side in sides]
    known = [pl.read_parquet(io.BytesIO(part)) for part in parts if part is not None]
    return pl.concat(known) if len(known) == len(parts) else None


def similarities(
    session: Session, job: Job, reckoned: Mapping[Side, pl.DataFrame]
) -> tuple[npt.NDArray[np.float64], pl.DataFrame]:
    """(n,) similarity of calibration rows to the train row most like each, and row and similarity of the rows of the
    sides that a job prices. reckoned: what is not kept yet. Both empty where some of it is not known."""
    calibrating, *priced = sides(job)
    found = {side: reckoned[side] if side in reckoned else _support(session, job, [side]) for side in sides(job)}
    known = {side: frame for side, frame in found.items() if frame is not None}
    if len(known) < len(found):
        return np.empty(0), pl.DataFrame(schema={"row": pl.Int64, "similarity": pl.Float64})
    return known[calibrating]["similarity"].to_numpy(), pl.concat(
        known[side].select("row", "similarity") for side in priced
    )


def _of_priced(session: Session, job: Job) -> pl.DataFrame | None:
    """The support of the rows that a job prices, where its calibration rows' is known too."""
    calibrating, *priced = sides(job)
    return _support(session, job, priced) if has_support(session, job, calibrating) else None


def with_support(job_id: int, priced: pl.DataFrame) -> pl.DataFrame:
    """Predictions of a job with what similar products say of their rows, where that was reckoned."""
    with begin() as session:
        return _joined(priced, _of_priced(session, jobs.get(session, job_id)))


def _joined(frame: pl.DataFrame, support: pl.DataFrame | None) -> pl.DataFrame:
    return frame if support is None else frame.join(support, on="row", how="left", maintain_order="left")


def certainty_of(job_id: int, within: float) -> Certainty | None:
    """What the calibration rows of a job's technique say of prices within a share of the true one; None: too few."""
    with begin() as session:
        return _certainty(session, jobs.get(session, job_id), within)


def first_wish(job_id: int, within: float) -> int | None:
    """The hit rate that a page begins at, in percent: the highest in steps of 5 that a job can promise; None: none."""
    known = certainty_of(job_id, within)
    most = None if known is None else known.most(5)
    return None if most is None else round(100 * most)


def _certainty(session: Session, job: Job, within: float) -> Certainty | None:
    source = datasets.get(session, job.learned_from)
    fit_hash = datasets.fit_hash(source, specs.parse(job.spec).fit_key)
    kept = calibration.read(artifacts.part(session, fit_hash, calibration.PART))
    if kept.is_empty():
        return None
    groups = datasets.groups(session, source.id, kept["row"].to_list())
    # Where that of the priced rows was never reckoned, nothing may be learned that needs it.
    support = None if _of_priced(session, job) is None else _support(session, job, sides(job)[:1])
    return certainty.learn(_joined(kept.join(groups, on="row", how="left", maintain_order="left"), support), within)


def unlike(session: Session, job_id: int) -> list[int]:
    """Rows of a finished job that are unlike its calibration rows; of a job of an earlier version, only where the rows
    are as a whole."""
    found = results.get(session, job_id) or {}
    return list(found[UNLIKE] if UNLIKE in found else (found.get("drift") or {}).get(UNLIKE, ()))


def of_job(job_id: int, wish: float, within: float, priced: pl.DataFrame | None = None) -> Lists | None:
    """The lists of a job's predictions so far (or of `priced`, which are they); None where nothing can be promised at
    all. Raises NotFound."""
    with begin() as session:
        job = jobs.get(session, job_id)
        support = _of_priced(session, job)
        known = _certainty(session, job, within)
        if known is None:
            return None
        frame = predictions.of_job(session, job_id) if priced is None else priced
        promise = known.promise(wish)
        rows = hand_over.divide(_joined(frame, support), known, promise, unlike(session, job_id))
        rows = rows.drop(certainty.SUPPORT, strict=False)
        measured = rows.filter(pl.col("reason") == "", pl.col("truth").is_not_null())["row"].to_list()
        groups = datasets.groups(session, job.dataset_id, measured)
    return Lists(
        wish=wish,
        within=within,
        rows=rows,
        groups=groups,
        promise=promise,
        most=known.most() if promise is None else None,
        realised=hand_over.realised(rows.join(groups, on="row", how="left"), within, level=settings().confidence),
    )


def sentences(lists: Lists) -> list[str]:
    """How the rows were divided, what is promised of the priced ones, and what test rows say of that."""
    tolerance = f"within {lists.within:.0%} of the true one"
    priced, others = len(lists.priced), len(lists.for_a_person)
    said = [f"{amounts.count(priced, 'row')} priced, {others:,} for a person{_why(lists.reasons)}."]
    if lists.promise is None:
        return [refusal(lists.wish, lists.most), *said]
    if priced:
        said.append(
            f"At least {lists.wish:.0%} of such prices are {tolerance}, a promise made by {PROCEDURE}, for the whole "
            f"list and not for each category; about {lists.expected:.0%} are to be expected."
        )
    found = lists.realised
    if found is not None:
        said.append(
            f"Of the {amounts.count(found.rows, 'priced row')} whose true price is known, {measured(found)} are "
            f"{tolerance}."
        )
    return said


def measured(found: Realised) -> str:
    """A hit rate with its interval: 84% (78% to 89%, 95 % interval)."""
    if found.low is None:
        return f"{found.share:.0%}"
    return f"{found.share:.0%} ({found.low:.0%} to {found.high:.0%}, {amounts.level(found.level)} interval)"


def refusal(wish: float, most: float | None) -> str:
    """That a wish can't be promised, and what can."""
    can = "nothing can be" if most is None else f"the most is {most:.0%}"
    return f"No share of the rows can be promised at {wish:.0%}; {can}."


def _why(reasons: dict[str, int]) -> str:
    parts: Sequence[str] = [f"{rows:,} {reason}" for reason, rows in reasons.items()]
    return f" ({', '.join(parts)})" if parts else ""
