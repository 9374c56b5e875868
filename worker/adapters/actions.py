"""Every verb about adapters, for pages and the command line alike: promote, retire, roll back, delete, download."""

import io
import zipfile
from collections.abc import Sequence

from db import access, adapters, jobs, pricers, visibility
from db.engine import Session, begin
from db.errors import NotReady, UserError, WrongState
from db.types import Adapter, AdapterChange, AdapterState, JobKind, Step, Verb
from worker import app
from worker.adapters import card as model_card
from worker.datasets.dependents import kept_by
from worker.evaluation import gate
from worker.finetune import planning
from worker.specs.finetune import TrainSpec

CARD = "README.md"
"""The card's name in an adapter's folder."""

_SAME_DAY = (2026, 1, 1, 0, 0, 0)  # of all files in an archive: the same adapter is the same bytes


def gate_objection(adapter: Adapter) -> str | None:
    """Why this adapter should not go to production, in a sentence; None when the gate lets it pass."""
    with begin() as session:
        return objection(session, adapter)


def objection(session: Session, adapter: Adapter) -> str | None:
    """The same, in a transaction."""
    if adapter.gate_report is None:
        return "What this adapter forgot was not measured yet."
    report = gate.Report.from_json(adapter.gate_report)
    if not report.is_measured:
        return "Nothing of what this adapter may have forgotten could be measured."
    rival = adapters.in_production(session, adapter.task)
    if rival and rival.id not in (adapter.id, report.rival):
        return (
            f"Adapter {rival.id[:12]} went to production after this one was measured, and the two were not compared; "
            "measure it again."
        )
    return gate.objection(report)


def measure(adapter_ref: str) -> int:
    """Measure again what an adapter forgot, against what is in production now and by the gate's present settings; the
    job's id. Raises WrongState while it is measured, NotReady when its dataset is gone."""
    with begin() as session:
        adapter = adapters.get(session, adapter_ref)
        if _own_job_at_work(session, adapter):
            raise WrongState(f"Adapter {adapter.id[:12]} is being measured by job {adapter.job_id}; wait for its end.")
        if adapter.dataset_id is None:
            raise NotReady(f"The dataset of adapter {adapter.id[:12]} was deleted; it can't be measured any more.")
        for job in jobs.all(session, adapter.dataset_id, JobKind.GATE):
            if job.spec["adapter"] == adapter.id and not job.state.is_final:
                return job.id
        return app.start_job(
            session,
            kind=JobKind.GATE,
            dataset_id=adapter.dataset_id,
            queue=planning.queue_for(session, TrainSpec.model_validate(adapter.spec)),
            chunks=[(Step.GATE, [])],
            spec={"adapter": adapter.id, "task": adapter.task},
        )


def promote(adapter_ref: str, why: str, *, override: str = "") -> Adapter:
    """Put an adapter into production for its task; the one that was there is retired. Who and why are kept.

    Raises UserError with the gate's sentence when it objects, unless `override` says why it should go there all the
    same; then the objection is kept in the history, with that reason.
    """
    with begin() as session:
        adapter = adapters.get(session, adapter_ref)
        if adapter.state is AdapterState.PRODUCTION:
            raise WrongState(f"Adapter {adapter.id[:12]} is in production already.")
        _check_leaving(session, adapters.in_production(session, adapter.task))
        objected = objection(session, adapter)
        if objected and not override.strip():
            raise UserError(
                f"{objected.rstrip('.')}; adapter {adapter.id[:12]} goes to production only if you override the gate "
                "and give the reason."
            )
        reason = _reason(f"{why} Against the gate: {override}" if objected else why)
        access.act(session, Verb.PROMOTE_ADAPTER, adapter, why=reason, overrides=objected)
        adapters.move(
            session, adapter, AdapterState.PRODUCTION, who=access.name(), why=reason, overrides=objected or ""
        )
        return adapters.get(session, adapter.id)


def _check_leaving(session: Session, adapter: Adapter | None) -> None:
    """Check that whoever acts may take an adapter out of production. Raises NotAllowed; WrongState as _check_free."""
    if adapter:
        access.check(Verb.RETIRE_ADAPTER, adapter)
    _check_free(session, adapter)


def _check_free(session: Session, adapter: Adapter | None) -> None:
    """Raises WrongState while a pricer in use prices with an adapter that is to leave production."""
    holders = pricers.using_adapter(session, adapter.id) if adapter else []
    if adapter and holders:
        raise WrongState(
            f"Pricer {holders[0].name} is in use and prices with adapter {adapter.id[:12]}: what you do to that pricer "
            "(Pricers page) moves the adapter too."
        )


def retire(adapter_ref: str, why: str) -> Adapter:
    """Take an adapter out of production, or give a candidate up. It can be promoted again."""
    with begin() as session:
        adapter = adapters.get(session, adapter_ref)
        if adapter.state is AdapterState.RETIRED:
            raise WrongState(f"Adapter {adapter.id[:12]} is retired already.")
        _check_free(session, adapter)
        access.act(session, Verb.RETIRE_ADAPTER, adapter, why=_reason(why))
        adapters.move(session, adapter, AdapterState.RETIRED, who=access.name(), why=_reason(why))
        return adapters.get(session, adapter.id)


def roll_back(task: str, why: str) -> Adapter:
    """Bring back the adapter that was in production for a task before the present one; a second time, the one before.

    Raises NotReady when nothing is in production, or nothing was there before that still exists.
    """
    with begin() as session:
        present = adapters.in_production(session, task)
        if present is None:
            raise NotReady(f"No adapter is in production for {task!r}; promote one.")
        _check_leaving(session, present)
        there = {adapter.id: adapter for adapter in adapters.all(session)}
        line = _line(
            [change for change in reversed(adapters.history(session, task=task)) if change.adapter_id in there]
        )
        if len(line) < 2:
            raise NotReady(f"No other adapter was in production for {task!r} before {present.id[:12]}.")
        reason = f"rolled back: {_reason(why)}"
        access.act(session, Verb.PROMOTE_ADAPTER, there[line[-2]], why=reason)
        adapters.move(session, there[line[-2]], AdapterState.PRODUCTION, who=access.name(), why=reason)
        return adapters.get(session, line[-2])


def _line(changes: Sequence[AdapterChange]) -> list[str]:
    """Who followed whom into production, oldest first. Going back to the one before takes the last one off."""
    line: list[str] = []
    for change in changes:
        if change.after is not AdapterState.PRODUCTION:
            continue
        if line[-2:-1] == [change.adapter_id]:
            line.pop()
        elif line[-1:] != [change.adapter_id]:
            line.append(change.adapter_id)
    return line


def delete(adapter_ref: str) -> None:
    """Remove an adapter and its files; its history stays. Refused while it is in production, or a pricer or a job
    needs it."""
    with begin() as session:
        adapter = adapters.get(session, adapter_ref)
        access.act(session, Verb.DELETE_ADAPTER, adapter)
        visibility.see_all(session)
        if adapter.state is AdapterState.PRODUCTION:
            raise WrongState(f"Adapter {adapter.id[:12]} is in production for {adapter.task!r}; retire it first.")
        if resting := pricers.resting_on_adapter(session, adapter.id):
            raise WrongState(kept_by(f"Adapter {adapter.id[:12]}", resting))
        at_work = [*_own_job_at_work(session, adapter), *adapters.jobs_at_work(session, adapter.id)]
        if at_work:
            named = f"job{'s' if len(at_work) > 1 else ''} {', '.join(map(str, at_work))}"
            raise WrongState(f"Adapter {adapter.id[:12]} is in use by {named}; wait for the end, or cancel.")
        adapters.drop(session, adapter.id)


def _own_job_at_work(session: Session, adapter: Adapter) -> list[int]:
    """The job that made it still measures it."""
    if adapter.job_id is None or jobs.get(session, adapter.job_id).state.is_final:
        return []
    return [adapter.job_id]


def download(adapter_ref: str) -> bytes:
    """A zip of the adapter's folder as PEFT reads it, with a card of what is known about it by now."""
    with begin() as session:
        adapter = adapters.get(session, adapter_ref)
        if adapter.uses_endpoint:
            raise UserError(f"The weights of {adapter.model} stay with its endpoint; there is nothing to download.")
        files = adapters.files(session, adapter.id)
    files[CARD] = card(adapter.id).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as folder:  # weights do not get smaller by packing
        for name, data in sorted(files.items()):
            folder.writestr(zipfile.ZipInfo(f"{adapter.id[:12]}/{name}", _SAME_DAY), data)
    return archive.getvalue()


def card(adapter_ref: str) -> str:
    """What there is to know about an adapter, as Markdown."""
    with begin() as session:
        adapter = adapters.get(session, adapter_ref)
        history = adapters.history(session, adapter_id=adapter.id)
    return model_card.card(adapter, history)


def _reason(text: str) -> str:
    if not text.strip():
        raise UserError("Say why: the reason is kept in the adapter's history.")
    return text.strip()
