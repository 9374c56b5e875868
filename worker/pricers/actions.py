"""Every verb about pricers, for pages and the command line alike: make, use, roll back, retire, start …"""

from collections.abc import Sequence
from decimal import Decimal

from db import access, datasets, dependents, jobs, pricers, saved_verdicts
from db.dependents import Dependent
from db.engine import Session, begin
from db.errors import NotFound, NotReady, UserError, WrongState
from db.types import Job, JobKind, Pricer, PricerChange, PricerState, SavedVerdict, Verb
from worker import specs
from worker.evaluation.certainty import USUAL_TOLERANCE
from worker.pricers import obstacles, own_adapter, promise
from worker.pricing import actions as pricing_actions
from worker.pricing import lists
from worker.saved_verdicts import actions as verdict_actions
from worker.saved_verdicts import facts

LONGEST_NAME = 80


def make(
    name: str,
    why: str = "",
    *,
    verdict_id: int | None = None,
    job_id: int | None = None,
    hit_rate: float | None = None,
    within: float | None = None,
) -> Pricer:
    """Keep what a saved verdict chose, or what a finished job prices with, as the next version of a name ("Use this").

    The first of a name, or one where no version is in use, goes in use at once unless the gate objects; else it is a
    candidate. Of a job alone a verdict is saved too. hit_rate, within (0 to 1): the wish by which rows are handed to a
    person. Raises NotFound, NotReady where nothing was measured, UserError for a wish that can't be promised.
    """
    name = check(name)
    access.check(Verb.MAKE_PRICER)
    if (verdict_id is None) == (job_id is None):
        raise UserError("Say which saved verdict to use, or which job.")
    with begin() as session:
        verdict = saved_verdicts.get(session, verdict_id) if verdict_id is not None else None
        job = _job_of(session, verdict) if verdict else jobs.get(session, job_id or 0)
        if job.kind is not JobKind.PRICE:
            raise WrongState(f"Job {job.id} priced nothing; `pricewright jobs` lists those that did.")
    kept = facts.parse(verdict.facts) if verdict else None
    promised = promise.of_job(job.id, weighted=kept is None or bool(kept.weighted_by))
    if promised is None:
        raise NotReady(
            f"Job {job.id} has no readable answer for a test row with a known price, so nothing could be promised; "
            "price the test rows of a table first."
        )
    wish, tolerance = _wish(job, hit_rate, within)
    if verdict is None:
        (verdict,) = verdict_actions.save(job.dataset_id, [job.id])
    chosen = facts.parse(verdict.facts)
    with begin() as session:
        source = datasets.get(session, job.learned_from)
        spec = specs.parse(job.spec)
        made = pricers.create(
            session,
            name,
            description="",
            spec=job.spec,
            spec_hash=spec.hash,
            source_id=source.id,
            source_fingerprint=datasets.fingerprint(source),
            job_id=job.id,
            verdict_id=verdict.id,
            promise=promised.model_dump(mode="json"),
            hit_rate=wish,
            within=tolerance,
            best_before=verdict.best_before,
            who=access.name(),
            why=why.strip() or chosen.sentence,
        )
        access.act(session, Verb.MAKE_PRICER, made, version=made.version, job=job.id)
        looks = (obstacles.refusal, own_adapter.refusal, obstacles.objection)
        may = not any(look(session, made) for look in looks)
        may = may and not any(access.may(Verb.USE_PRICER, each) for each in pricers.versions(session, name))
        if may and pricers.in_use(session, name) is None:
            access.act(session, Verb.USE_PRICER, made, version=made.version)
            _move(session, made, PricerState.IN_USE, "It is the first, and nothing objects.", "")
        return pricers.get(session, made.id)


def check(name: str) -> str:
    """The name as it is kept. Raises UserError for one that can't be."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise UserError(f"A pricer needs a name of at most {LONGEST_NAME} letters, such as monthly.")
    return name


def _job_of(session: Session, verdict: SavedVerdict) -> Job:
    job_id = facts.parse(verdict.facts).job
    try:
        return jobs.get(session, job_id)
    except NotFound as error:
        raise NotFound(
            f"Job {job_id}, which verdict {verdict.id} chose, was deleted: decide anew on the Trade-offs page."
        ) from error


def _wish(job: Job, hit_rate: float | None, within: float | None) -> tuple[float | None, float | None]:
    """The hit rate and the tolerance, both or none. Raises UserError where the wish can't be promised."""
    if hit_rate is None:
        if within is not None:
            raise UserError("A tolerance belongs to a hit rate; say how many of the prices should be so near.")
        return None, None
    tolerance = USUAL_TOLERANCE if within is None else within
    known = lists.certainty_of(job.id, tolerance)
    if known is None:
        raise UserError(f"Job {job.id}: {lists.WHY_NONE}")
    if known.promise(hit_rate) is None:
        raise UserError(lists.refusal(hit_rate, known.most()))
    return hit_rate, tolerance


def every() -> list[Pricer]:
    """Every version of every pricer, by name, the newest version first."""
    with begin() as session:
        return pricers.all(session)


def get(pricer_id: int) -> Pricer:
    """The version with this number. Raises NotFound."""
    with begin() as session:
        return pricers.get(session, pricer_id)


def named(name: str) -> Pricer:
    """The version of a name that is in use. Raises NotFound, NotReady where none is."""
    with begin() as session:
        found = pricers.in_use(session, name)
        if found is None:
            raise _none_in_use(session, name)
        return found


def unknown(name: str) -> NotFound:
    """That there is no pricer of a name, and what there is."""
    with begin() as session:
        return _unknown(session, name)


def _unknown(session: Session, name: str) -> NotFound:
    known = sorted({each.name for each in pricers.all(session)})
    there = f"there are {', '.join(known)}" if known else "there is none yet: click “Use this” on the Trade-offs page"
    return NotFound(f"There is no pricer {name}; {there}.")


def _none_in_use(session: Session, name: str) -> UserError:
    if pricers.versions(session, name):
        return NotReady(f"No version of pricer {name} is in use: put one in use on the Pricers page.")
    return _unknown(session, name)


def technique(pricer: Pricer) -> str:
    """What it prices with, in words."""
    return specs.describe(specs.parse(pricer.spec))


def history(name: str) -> list[PricerChange]:
    """Changes of state of a name's versions, newest first."""
    with begin() as session:
        return pricers.history(session, name)


def refusal(pricer: Pricer) -> str | None:
    """`obstacles.refusal`."""
    with begin() as session:
        return obstacles.refusal(session, pricer)


def objection(pricer: Pricer) -> str | None:
    """`obstacles.objection`."""
    with begin() as session:
        return obstacles.objection(session, pricer)


def cautions(pricer: Pricer) -> list[str]:
    """`obstacles.cautions`."""
    with begin() as session:
        return obstacles.cautions(session, pricer)


def use(pricer_id: int, why: str, *, override: str = "") -> Pricer:
    """Put a version in use; the one that was is retired. Who and why are kept.

    Raises UserError where it can't price, and with the gate's sentence when that objects, unless `override` says why it
    should be used all the same; then the objection is kept in the history, with that reason.
    """
    with begin() as session:
        pricer = pricers.get(session, pricer_id)
        if pricer.state is PricerState.IN_USE:
            raise WrongState(f"Version {pricer.version} of {pricer.name} is in use already.")
        return _used(session, pricer, why, override)


def _used(session: Session, pricer: Pricer, why: str, override: str) -> Pricer:
    if refused := obstacles.refusal(session, pricer):
        raise NotReady(refused)
    if refused := own_adapter.refusal(session, pricer):
        raise WrongState(refused)
    objection = obstacles.objection(session, pricer)
    if objection and not override.strip():
        raise UserError(
            f"{objection.rstrip('.')}; version {pricer.version} of {pricer.name} is used only if you override the gate "
            "and give the reason."
        )
    reason = _reason(f"{why} Against the gate: {override}" if objection else why)
    if present := pricers.in_use(session, pricer.name):
        access.check(Verb.RETIRE_PRICER, present)
    access.act(session, Verb.USE_PRICER, pricer, version=pricer.version, why=reason, overrides=objection)
    _move(session, pricer, PricerState.IN_USE, reason, objection or "")
    return pricers.get(session, pricer.id)


def _move(session: Session, pricer: Pricer, to: PricerState, why: str, overrides: str) -> None:
    before = pricers.in_use(session, pricer.name)
    pricers.move(session, pricer, to, who=access.name(), why=why, overrides=overrides)
    own_adapter.follow(session, before, pricer, access.name(), why, overrides)


def _reason(text: str) -> str:
    if not text.strip():
        raise UserError("Say why: the reason is kept in the pricer's history.")
    return text.strip()


def retire(pricer_id: int, why: str) -> Pricer:
    """Take a version out of use, or give a candidate up. It can be used again."""
    with begin() as session:
        pricer = pricers.get(session, pricer_id)
        if pricer.state is PricerState.RETIRED:
            raise WrongState(f"Version {pricer.version} of {pricer.name} is retired already.")
        access.act(session, Verb.RETIRE_PRICER, pricer, version=pricer.version, why=_reason(why))
        _move(session, pricer, PricerState.RETIRED, _reason(why), "")
        return pricers.get(session, pricer.id)


def roll_back(name: str, why: str, *, override: str = "") -> Pricer:
    """Bring back the version that was in use before the present one; a second time, the one before.

    Raises NotReady when none is in use, or none was before that still exists; else as `use`.
    """
    with begin() as session:
        present = pricers.in_use(session, name)
        if present is None:
            raise _none_in_use(session, name)
        earlier = _former(session, name)
        if earlier is None:
            raise NotReady(f"No other version of {name} was in use before version {present.version}.")
        return _used(session, earlier, f"rolled back: {_reason(why)}", override)


def former(name: str) -> Pricer | None:
    """The version that `roll_back` would bring back; None: there is none."""
    with begin() as session:
        return _former(session, name)


def _former(session: Session, name: str) -> Pricer | None:
    there = {each.version: each for each in pricers.versions(session, name)}
    line = _line([change for change in reversed(pricers.history(session, name)) if change.version in there])
    return there[line[-2]] if len(line) > 1 else None


def _line(changes: Sequence[PricerChange]) -> list[int]:
    """Which version followed which into use, oldest first. Going back to the one before takes the last one off."""
    line: list[int] = []
    for change in changes:
        if change.after is not PricerState.IN_USE:
            continue
        if line[-2:-1] == [change.version]:
            line.pop()
        elif line[-1:] != [change.version]:
            line.append(change.version)
    return line


def rename(pricer_id: int, name: str) -> None:
    """Give a pricer, with all its versions, another name. Raises UserError for one that is taken."""
    name = check(name)
    with begin() as session:
        pricer = pricers.get(session, pricer_id)
        if pricer.name != name:
            for each in pricers.versions(session, pricer.name):
                access.check(Verb.CHANGE_PRICER, each)
            access.act(session, Verb.CHANGE_PRICER, pricer, name=name)
            pricers.rename(session, pricer.name, name)


def describe(pricer_id: int, description: str) -> None:
    """Keep a note with a version."""
    with begin() as session:
        pricer = pricers.get(session, pricer_id)
        access.act(session, Verb.CHANGE_PRICER, pricer, description=description.strip())
        pricers.describe(session, pricer_id, description.strip())


def depending(pricer_id: int) -> list[Dependent]:
    """What depends on a version, to be told before it is deleted."""
    with begin() as session:
        pricers.get(session, pricer_id)
        return dependents.of_pricer(session, pricer_id)


def delete(pricer_id: int) -> None:
    """Delete a version; its history and its batches stay. Raises WrongState while it is in use."""
    with begin() as session:
        pricer = pricers.get(session, pricer_id)
        access.act(session, Verb.DELETE_PRICER, pricer, version=pricer.version)
        if pricer.state is PricerState.IN_USE:
            raise WrongState(f"Version {pricer.version} of {pricer.name} is in use; retire it first.")
        pricers.drop(session, pricer.id)


def start(pricer: Pricer, dataset_id: int, *, cap_usd: Decimal | None = None) -> int:
    """Start pricing every row of another dataset with a pricer; the job's id. The same rows a second time are the same
    job.

    Raises UserError with one sentence when it can't price (`obstacles.refusal`). cap_usd bounds what it may pay to
    endpoints.
    """
    if refused := refusal(pricer):
        raise NotReady(refused)
    (job_id,) = pricing_actions.start(
        dataset_id, [specs.parse(pricer.spec)], cap_usd=cap_usd, source_id=pricer.source_id
    )
    return job_id
