"""What depends on what people keep: what goes with it when it is deleted, and what stays without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


_ASKS_IT = """position('"' || CAST(:name AS text) || ':' IN CAST(spec AS text)) > 0"""
"""Whether a spec has a model of an endpoint: "there:fast"."""

_NAMES_IT = """position('"' || CAST(:name AS text) || '@' IN CAST(spec AS text)) > 0"""
"""Whether a spec has a prompt: "question@2"."""

_OVER = "state IN ('done', 'failed', 'cancelled', 'stopped')"

_OF_ENDPOINT: _Kinds = {("job", "that asked it"): (False, f"FROM jobs WHERE {_OVER} AND {_ASKS_IT}")}
_NEED_ENDPOINT: _Kinds = {
    ("job", "not over yet"): (False, f"FROM jobs WHERE NOT {_OVER} AND {_ASKS_IT}"),
    ("adapter", "lying there"): (False, "FROM adapters WHERE starts_with(model, CAST(:name AS text) || ':')"),
    ("pricer", "asking it"): (False, f"FROM pricers WHERE state <> 'retired' AND {_ASKS_IT}"),
}
_NEED_PROMPT: _Kinds = {
    ("job", "naming it"): (False, f"FROM jobs WHERE {_NAMES_IT}"),
    ("adapter", "naming it"): (False, f"FROM adapters WHERE {_NAMES_IT}"),
    ("pricer", "naming it"): (False, f"FROM pricers WHERE {_NAMES_IT}"),
}
_ITEMS = "FROM knowledge_items i JOIN knowledge_bases b ON b.id = i.base_id WHERE b.dataset_id = :id AND i.source"
_OF_KNOWLEDGE: _Kinds = {
    ("item", "from the train side, of which it is built again when it is needed"): (True, f"{_ITEMS} = 'train'"),
    ("item", "from files and other datasets, lost for good"): (True, f"{_ITEMS} <> 'train'"),
}
_NEED_KNOWLEDGE: _Kinds = {
    ("job", "not over yet"): (False, f"FROM jobs WHERE NOT {_OVER} AND coalesce(source_id, dataset_id) = :id"),
    ("pricer", "searching it"): (
        False,
        "FROM pricers WHERE state <> 'retired' AND source_id = :id AND spec ->> 'technique' = ANY(:searching)",
    ),
}


def of_endpoint(session: Session, name: str) -> list[Dependent]:
    """What stays when an endpoint is deleted."""
    return _counted_all(session, _OF_ENDPOINT, {"name": name})


def needing_endpoint(session: Session, name: str) -> list[Dependent]:
    """What an endpoint can't be deleted for; of finished jobs there is all that they found."""
    return _counted_all(session, _NEED_ENDPOINT, {"name": name})


def needing_prompt(session: Session, name: str) -> list[Dependent]:
    """What a prompt can't be deleted for: its words are part of what was found with it."""
    return _counted_all(session, _NEED_PROMPT, {"name": name})


def of_knowledge(session: Session, dataset_id: int) -> list[Dependent]:
    """What goes with the knowledge base of a dataset."""
    return _counted_all(session, _OF_KNOWLEDGE, {"id": dataset_id})


def needing_knowledge(session: Session, dataset_id: int, searching: Sequence[str]) -> list[Dependent]:
    """What the knowledge base of a dataset can't be deleted for; `searching`: the techniques that search one."""
    return _counted_all(session, _NEED_KNOWLEDGE, {"id": dataset_id, "searching": list(searching)})


def of_dataset(session: Session, dataset_id: int) -> list[Dependent]:
    """What depends on a dataset, without what there is none of; what goes too comes first."""
    return _counted(session, _OF_DATASET, dataset_id, "j.dataset_id = :id")


def of_job(session: Session, job_id: int) -> list[Dependent]:
    """What depends on a job, without what there is none of; what goes too comes first."""
    return _counted(session, _OF_JOB, job_id, "j.id = :id")


def of_pricer(session: Session, pricer_id: int) -> list[Dependent]:
    """What depends on a version of a pricer."""
    return _counted_all(session, _OF_PRICER, {"id": pricer_id})


def _counted(session: Session, kinds: _Kinds, its_id: int, of: str) -> list[Dependent]:
    about = {"id": its_id, "of_files": [str(kind) for kind in JobKind if kind.reads_file]}
    # Predictions and the state of their chunk commit together, so chunks know how many there are without a count.
    predictions = text(
        "SELECT coalesce(sum(c.items_done), 0) FROM chunks c JOIN jobs j ON j.id = c.job_id "
        f"WHERE c.step = 'price' AND c.state = 'done' AND {of}"
    )
    priced = Dependent("prediction", "", int(session.scalar(predictions, about) or 0), True)
    return _sorted([priced, *_counted_all(session, kinds, about)])


def _counted_all(session: Session, kinds: _Kinds, about: Mapping[str, Any]) -> list[Dependent]:
    every = []
    for (noun, rest), (goes, where) in kinds.items():
        query = text(f"SELECT count(*) {where}")
        its = {name: about[name] for name in about if f":{name}" in where}
        every.append(Dependent(noun, rest, int(session.scalar(query, its) or 0), goes))
    return _sorted(every)


def _sorted(every: Sequence[Dependent]) -> list[Dependent]:
    return sorted((each for each in every if each.count), key=lambda each: not each.goes)
