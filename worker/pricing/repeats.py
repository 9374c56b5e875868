"""Jobs that ran one technique more than once: they differ in nothing but what chance decides."""

import json
from collections.abc import Mapping, Sequence

from db.types import Adapter, Job
from worker import specs

_OF_TRAINING = "seed"


def heads(jobs: Sequence[Job], adapters: Sequence[Adapter]) -> dict[int, int]:
    """Job -> the first job of the same technique and settings, for those that are another run of one."""
    learned = {adapter.id: adapter for adapter in adapters}
    first: dict[str, int] = {}
    found: dict[int, int] = {}
    for job in sorted(jobs, key=lambda job: job.id):
        key = _key(job, learned)
        if key in first:
            found[job.id] = first[key]
        first.setdefault(key, job.id)
    return found


def is_by_chance(job: Job) -> bool:
    """Whether another run of the same technique could answer otherwise."""
    kind = specs.SPECS.get(job.technique)
    return kind is not None and (kind.needs_adapter or specs.parse(job.spec).is_by_chance)


def _key(job: Job, adapters: Mapping[str, Adapter]) -> str:
    """The settings of a job without what chance decides; those of its training in place of its adapter."""
    kind = specs.SPECS.get(job.technique)
    drawn = kind.drawn if kind else ()
    settings = {name: value for name, value in job.spec.items() if name not in drawn}
    adapter = adapters.get(str(settings.get("adapter", "")))
    if adapter is not None:
        settings["adapter"] = {name: value for name, value in adapter.spec.items() if name != _OF_TRAINING} | {
            "learned from": [adapter.dataset_id, adapter.train_rows, adapter.model]
        }
        settings.pop("model", None)
    return json.dumps([settings, job.learned_from], sort_keys=True)
