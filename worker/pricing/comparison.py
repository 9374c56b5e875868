"""Jobs side by side: what each costs and how wrong it is, on the rows that all of them priced."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from db import adapters, datasets, jobs, results
from db.engine import Session, begin
from db.errors import NotFound, UserError, WrongState
from db.settings import settings
from db.types import Dataset, Job, JobState, Split
from worker import specs
from worker.adapters import pricing
from worker.datasets import price_bounds
from worker.evaluation import choice, compare, conformal, context_curve
from worker.evaluation.choice import Limits
from worker.evaluation.measures import DECIDING, USUAL
from worker.pricing import elsewhere, kept

_INTERVALS = ("job_id", "covered", "covered_low", "covered_high", "width")

COMBINATION = "combination"
"""In a job's results: how an ensemble or a cascade combines its members, and what validation rows say of each."""

MIN_CURVE = 3
"""Jobs that make a context curve worth drawing."""


def level() -> float:
    """How sure comparisons are, as this installation is set: PRICEWRIGHT_CONFIDENCE."""
    return settings().confidence


def comparable(every: Sequence[Job]) -> list[Job]:
    """The finished jobs that priced test rows, in the order in which techniques are listed; not archived ones."""
    order = {name: place for place, name in enumerate(specs.SPECS)}
    able = [job for job in every if _refusal(job) is None and job.archived_at is None]
    return sorted(able, key=lambda job: (order.get(job.technique, len(order)), job.id))


def taken(dataset: Dataset, every: Sequence[Job], chosen: Sequence[int] = ()) -> list[int]:
    """The ids of the jobs that a comparison takes: all that were `chosen`, whatever else there is of their specs.

    Unless somebody asks: one per spec, the one that measured most rows, the newest of equals; steps of context curves
    only where there is nothing else, for they price few rows, and all are compared on the rows that they share.
    Raises NotFound for a job that is none of the dataset's, WrongState for one that has nothing to compare.
    """
    if chosen:
        return _checked(dataset, every, chosen)
    able = comparable(every)
    steps = _curve_steps(able)
    best: dict[tuple[str, int], int] = {}
    for job in sorted(able, key=lambda job: (_test_rows(dataset, job), job.id)):
        if job.id not in steps:
            best[job.spec_hash, job.learned_from] = job.id
    kept = set(best.values()) or steps
    return [job.id for job in able if job.id in kept]


def of_like_size(known: Mapping[int, Job], taken: Sequence[int]) -> list[int]:
    """Those that priced at least half as many rows as the largest: all are compared on the rows that they share."""
    most = max((known[job_id].items_total for job_id in taken), default=0)
    return [job_id for job_id in taken if known[job_id].items_total * 2 >= most]


def left_out(every: Sequence[Job], kept: Sequence[int]) -> list[int]:
    """The steps of context curves that `taken` passed over."""
    return sorted(_curve_steps(comparable(every)).difference(kept))


def _curve_steps(jobs: Sequence[Job]) -> set[int]:
    return {job_id for curve in curves(jobs) for job_id in curve}


def _checked(dataset: Dataset, every: Sequence[Job], chosen: Sequence[int]) -> list[int]:
    known = {job.id: job for job in every}
    for job_id in chosen:
        if job_id not in known:
            raise NotFound(
                f"Dataset {dataset.id} has no pricing job {job_id}; `pricewright jobs` lists those there are."
            )
        if refusal := _refusal(known[job_id]):
            raise WrongState(f"Job {job_id} can't be compared: {refusal}.")
    return list(dict.fromkeys(chosen))


def _test_rows(dataset: Dataset, job: Job) -> float:
    """About how many test rows it priced: a sample of test and unpriced rows is an even one."""
    test = dataset.splits.get(Split.TEST, 0)
    every = sum(dataset.splits.get(side, 0) for side in job.sides)
    return job.items_total * test / every if every else job.items_total


def _refusal(job: Job) -> str | None:
    """Why a job can't be compared; None: it can."""
    if job.state is not JobState.DONE:
        return f"it is {job.state}"
    return None if job.split in (Split.TEST, None) else "it priced no test rows"


def curves(every: Sequence[Job]) -> list[dict[int, int]]:
    """Jobs that differ in nothing but k, as {job id: k}, where there are three or more: a context curve each.

    Of several with one k the newest counts.
    """
    groups: dict[str, dict[int, int]] = {}
    for job in sorted(every, key=lambda job: job.id):
        kind = specs.SPECS.get(job.technique)
        if kind and kind.k_counts and "k" in job.spec:
            rest = {name: value for name, value in job.spec.items() if name != "k"}
            key = json.dumps([rest, job.split, job.item_limit, job.learned_from], sort_keys=True)
            groups.setdefault(key, {})[int(job.spec["k"])] = job.id
    made = [{job_id: k for k, job_id in group.items()} for group in groups.values()]
    return [curve for curve in made if len(curve) >= MIN_CURVE]


def of_jobs(job_ids: Sequence[int], measure: str = USUAL, *, weighted: bool = True) -> list[dict[str, Any]]:
    """One dict per technique that has measurable rows, the one ahead first, with the figures and verdict of
    `compare.table` by a key of DECIDING and its frontier_odds; note: what a job that brought nothing says about it;
    covered, covered_low, covered_high, width: what its intervals hold (worker.evaluation.coverage), None where it has
    none; weighted_by: the column that measures are weighted by, "" = none. weighted: by that column, where there is
    one."""
    if not job_ids:
        return []
    with begin() as session:
        chosen = {job.id: job for job in jobs.all(session) if job.id in set(job_ids)}
        fixed = dict(zip(chosen, pricing.fixed_usd(session, list(chosen.values())), strict=True))
        forms = {adapter.id: adapter.form for adapter in adapters.all(session)}
    made = kept.Comparison(list(chosen), weighted=weighted)
    column = made.weighted_by
    rows, combined = [], combinations(list(chosen))
    held = {line.pop("job_id"): line for line in made.part("coverage").select(_INTERVALS).iter_rows(named=True)}
    for line in made.part("table", measure).iter_rows(named=True):
        job = chosen[line["job_id"]]
        spec = specs.parse(job.spec)
        head = {"job": job.id, "technique": job.technique, "label": spec.label, "family": str(spec.family)}
        name = specs.describe(spec, forms.get(job.spec.get("adapter", ""), ""))
        name = job.named(name)
        head["description"] = name if line["repeats"] == 1 else f"{name} ({line['repeats']} runs)"
        once = fixed[job.id]
        money = {"fixed_usd": None if once is None else float(once), "lost_usd": float(job.lost_usd)}
        parts = {COMBINATION: combined[job.id]} if job.id in combined else {}
        parts |= held.get(job.id, dict.fromkeys(_INTERVALS[1:]))
        rows.append(
            head
            | {"spec": job.spec, **money, "note": job.error, "measure": measure, "weighted_by": column}
            | parts
            | line
        )
    return rows


def choose(job_ids: Sequence[int], limits: Limits, by: str = USUAL, *, weighted: bool = True) -> list[dict[str, Any]]:
    """What each limit chooses among jobs, judged by a measure: question, job (None: none keeps the limits), ties,
    perhaps, is_sure as `choice.Choice`, weighted_by as in `of_jobs`, and a sentence."""
    made = kept.Comparison(job_ids, weighted=weighted)
    with begin() as session:
        names = labels(session, [jobs.get(session, job_id) for job_id in job_ids])
    table, column = made.part("table", by), made.weighted_by
    names = compare.with_runs(table, names)
    return [
        {
            "question": each.question,
            "job": each.job_id,
            "ties": list(each.ties),
            "perhaps": list(each.perhaps),
            "is_sure": each.is_sure,
            "weighted_by": column,
            "sentence": choice.sentence(each, table, limits, names, by=by) + weighed(column, by),
        }
        for each in choice.choices(table, made.gaps(by), limits, by=by)
    ]


def weighed(column: str, measure: str) -> str:
    """A sentence behind another one: what a measure is weighted by; "" where nothing is."""
    return f" {DECIDING[measure].short} is weighted by {column}." if column else ""


def all_weighed(column: str) -> str:
    """The same behind figures of several measures, some of costs perhaps."""
    return f" Errors are weighted by {column}; costs and times are not." if column else ""


def labels(session: Session, chosen: Sequence[Job]) -> dict[int, str]:
    """Job id -> what a terminal calls it: its technique with what differs from the defaults, and its number where
    several would be called alike."""
    forms = {adapter.id: adapter.form for adapter in adapters.all(session)}
    names = {
        job.id: job.named(specs.describe(specs.parse(job.spec), forms.get(job.spec.get("adapter", ""), "")))
        for job in chosen
    }
    alike = {name for name, count in Counter(names.values()).items() if count > 1}
    return {job_id: f"{name}, job {job_id}" if name in alike else name for job_id, name in names.items()}


def combinations(job_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Job id -> how an ensemble or a cascade combines its members (COMBINATION); without jobs that are neither."""
    with begin() as session:
        told = {job_id: (results.get(session, job_id) or {}).get(COMBINATION) for job_id in job_ids}
    return {job_id: each for job_id, each in told.items() if each}


def cautions(job_ids: Sequence[int]) -> list[str]:
    """Sentences about prices that the jobs' techniques can't say, on the tables that they price."""
    said: list[str] = []
    with begin() as session:
        for job in (jobs.get(session, job_id) for job_id in job_ids):
            with suppress(UserError):  # stored by an earlier version, whose technique had other settings
                spec = specs.parse(job.spec)
                said.append(price_bounds.caution(session, datasets.get(session, job.dataset_id), spec))
    return list(dict.fromkeys(filter(None, [*said, *unlike(job_ids)])))


def unlike(job_ids: Sequence[int]) -> list[str]:
    """Sentences about finished jobs whose rows are unlike those that their intervals were learned on, and what those
    that learned from another dataset found there, a broken promise included (worker.pricing.elsewhere)."""
    said = []
    with begin() as session:
        for job in (jobs.get(session, job_id) for job_id in job_ids):
            found = (results.get(session, job.id) or {}).get("drift")
            if found and found["low"] > conformal.UNLIKE:
                spec = specs.parse(job.spec)
                said.append(
                    f"{spec.label}, job {job.id}: the rows priced are unlike the validation rows that its intervals "
                    f"were learned on. By their words alone {found['share']:.0%} of pairs are told apart (50% = not at "
                    f"all), so that the {conformal.COVERAGE:.0%} of the intervals is no promise for them."
                )
            said += elsewhere.sentences(session, job)
    return list(dict.fromkeys(said))


def promises(job_ids: Sequence[int]) -> list[str]:
    """Sentences about finished jobs that learned from another dataset and did not break what was promised there."""
    with begin() as session:
        said = [elsewhere.promised(session, jobs.get(session, job_id)) for job_id in job_ids]
    return list(filter(None, said))


def curve(job_ids: Sequence[int]) -> dict[str, Any]:
    """What more examples or neighbours bring: `rows` (context_curve.COLUMNS, by k), `weighted_by` as in `of_jobs`,
    and a `sentence`.

    The jobs differ in k only. Raises NotFound for a job that is not there.
    """
    with begin() as session:
        chosen = [jobs.get(session, job_id) for job_id in job_ids]
    made = kept.Comparison(job_ids)
    compared = made.part("table")
    lines = context_curve.curve(
        compared,
        ks={job.id: int(job.spec["k"]) for job in chosen},
        prompt_tokens=dict(compared.select("job_id", "tokens_in").iter_rows()),
    )
    what = counted(chosen[0].technique) if chosen else "examples"
    sentence = context_curve.sentence(lines, what) + weighed(made.weighted_by, USUAL)
    return {"rows": lines.to_dicts(), "weighted_by": made.weighted_by, "sentence": sentence}


def counted(technique: str) -> str:
    """What the k of a context curve counts: "examples" or "neighbours"."""
    kind = specs.SPECS.get(technique)
    return kind.k_counts if kind and kind.k_counts else "examples"
