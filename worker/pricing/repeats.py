"""Jobs that ran one technique more than once: they differ in nothing but what chance decides."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from db.types import Adapter, Job
from worker import specs
from worker.specs import BaseSpec
from worker.specs.combined import members_of

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
    return job.technique in specs.SPECS and _is_by_chance(specs.parse(job.spec))


def _is_by_chance(spec: BaseSpec) -> bool:
    """Of a combination: whether one of its members could."""
    is_own = spec.needs_adapter or bool(getattr(spec, "adapter", "")) or spec.is_by_chance
    return is_own or any(_is_by_chance(member) for member in members_of(spec))


def _key(job: Job, adapters: Mapping[str, Adapter]) -> str:
    return json.dumps([_settled(job.spec, adapters), job.learned_from], sort_keys=True)


def _settled(spec: Mapping[str, Any], adapters: Mapping[str, Adapter]) -> dict[str, Any]:
    """A stored spec without what chance decides, in its members too; the settings of its training in place of its
    adapter."""
    kind = specs.SPECS.get(str(spec.get("technique", "")))
    drawn = kind.drawn if kind else ()
    settings = {name: value for name, value in spec.items() if name not in drawn}
    adapter = adapters.get(str(settings.get("adapter", "")))
    if adapter is not None:
        settings["adapter"] = {name: value for name, value in adapter.spec.items() if name != _OF_TRAINING} | {
            "learned from": [adapter.dataset_id, adapter.train_rows, adapter.model]
        }
        settings.pop("model", None)
    if "members" in settings:
        settings["members"] = [_settled(member, adapters) for member in settings["members"]]
    return settings
