"""What depends on a dataset or a job: what goes with it when it is deleted, and what stays without it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.types import JobKind


@dataclass(frozen=True, slots=True)
class Dependent:
    noun: str  # of one of them
    about: str  # what is said after the noun; ""
    count: int
    goes: bool  # it is deleted too


_Kinds = Mapping[tuple[str, str], tuple[bool, str]]

_OF_DATASET: _Kinds = {
    ("job", ""): (True, "FROM jobs WHERE dataset_id = :id AND kind <> ALL(:of_files)"),
    ("knowledge base", ""): (True, "FROM knowledge_bases WHERE dataset_id = :id"),
    ("item", "in its knowledge base"): (
        True,
        "FROM knowledge_items i JOIN knowledge_bases b ON b.id = i.base_id WHERE b.dataset_id = :id",
    ),
    ("item", "that other knowledge bases took from it"): (
        True,
        """FROM knowledge_items i JOIN knowledge_bases b ON b.id = i.base_id
           WHERE i.source = 'reference' AND i.key LIKE CAST(:id AS text) || ':%'
             AND b.dataset_id IN (SELECT dataset_id FROM jobs WHERE spec ->> 'reference' = CAST(:id AS text))""",
    ),
    ("saved verdict", ""): (True, "FROM saved_verdicts WHERE dataset_id = :id"),
    ("scenario", ""): (True, "FROM scenarios WHERE dataset_id = :id"),
    ("game", ""): (True, "FROM games WHERE dataset_id = :id"),
    ("price check", ""): (True, "FROM jobs WHERE dataset_id = :id AND kind = 'price-check'"),
    ("decision", "about a price"): (True, "FROM price_decisions WHERE dataset_id = :id"),
    ("adapter", "that learned from it"): (False, "FROM adapters WHERE dataset_id = :id"),
    ("version", "that was made from it"): (False, "FROM datasets WHERE made_from = :id"),
    ("pricer", "that rests on it, so that it can't be deleted"): (
        False,
        """FROM (SELECT DISTINCT p.name FROM pricers p LEFT JOIN jobs j ON j.id = p.job_id
           WHERE :id IN (p.source_id, j.dataset_id)) AS resting""",
    ),
}
"""Noun of what hangs on a dataset, and what is said after it -> whether it goes too, and where it stands."""

_OF_JOB: _Kinds = {
    ("saved verdict", "that rests on it"): (
        False,
        """FROM saved_verdicts v JOIN jobs j ON j.dataset_id = v.dataset_id
           WHERE j.id = :id AND v.facts -> 'jobs' @> to_jsonb(j.id)""",
    ),
    ("adapter", "that it made"): (False, "FROM adapters WHERE job_id = :id"),
    ("job", "that it drives"): (False, "FROM jobs WHERE race_id = :id"),
    ("pricer", "that promises its error, so that it can't be deleted"): (
        False,
        "FROM (SELECT DISTINCT name FROM pricers WHERE job_id = :id) AS resting",
    ),
}

_OF_PRICER: _Kinds = {("priced file", "of it"): (False, "FROM pricer_batches WHERE pricer_id = :id")}


def of_dataset(session: Session, dataset_id: int) -> list[Dependent]:
    """What depends on a dataset, without what there is none of; what goes too comes first."""
    return [*_predictions(session, "j.dataset_id = :id", dataset_id), *_counted(session, _OF_DATASET, dataset_id)]


def of_job(session: Session, job_id: int) -> list[Dependent]:
    """What depends on a job, without what there is none of; what goes too comes first."""
    return [*_predictions(session, "j.id = :id", job_id), *_counted(session, _OF_JOB, job_id)]


def of_pricer(session: Session, pricer_id: int) -> list[Dependent]:
    """What depends on a version of a pricer."""
    return _counted(session, _OF_PRICER, pricer_id)


def _predictions(session: Session, of: str, its_id: int) -> list[Dependent]:
    # Predictions and the state of their chunk commit together, so chunks know how many there are without a count.
    query = text(
        "SELECT coalesce(sum(c.items_done), 0) FROM chunks c JOIN jobs j ON j.id = c.job_id "
        f"WHERE c.step = 'price' AND c.state = 'done' AND {of}"
    )
    count = int(session.scalar(query, {"id": its_id}) or 0)
    return [Dependent("prediction", "", count, True)] if count else []


def _counted(session: Session, kinds: _Kinds, its_id: int) -> list[Dependent]:
    about = {"id": its_id, "of_files": [str(kind) for kind in JobKind if kind.reads_file]}
    every = []
    for (noun, rest), (goes, where) in kinds.items():
        its = {name: about[name] for name in about if f":{name}" in where}
        count = int(session.scalar(text(f"SELECT count(*) {where}"), its) or 0)
        every.append(Dependent(noun, rest, count, goes))
    return sorted((each for each in every if each.count), key=lambda each: not each.goes)
