"""The step that looks whether saved verdicts still hold."""

from datetime import UTC, datetime

from db import chunks, datasets, results, saved_verdicts
from db.engine import Session, begin
from db.errors import UserError
from db.job_results import RecheckedVerdict, RecheckResult
from db.types import Dataset
from worker.endpoints import actions as endpoint_actions
from worker.evaluation import drift
from worker.saved_verdicts import facts, reasons
from worker.saved_verdicts.facts import Facts
from worker.saved_verdicts.reasons import Listing
from worker.work import Commit, Work


def recheck(work: Work) -> Commit:
    """Look at each verdict that the job names; its result is a RecheckResult. One that was forgotten is passed over."""
    job = work.job
    with begin() as session:
        dataset = datasets.get(session, job.dataset_id)
        wanted = set(job.spec["verdicts"])
        kept = {
            each.id: facts.parse(each.facts) for each in saved_verdicts.all(session, dataset.id) if each.id in wanted
        }
    listings = _listings({ref.partition(":")[0] for each in kept.values() for ref in each.models})
    found = []
    for verdict_id, each in sorted(kept.items()):
        found.append(_one(verdict_id, each, dataset, listings))
        work.progress.advance()
    result = RecheckResult(verdicts=tuple(found))

    def commit(session: Session) -> chunks.Tally:
        results.put(session, job.id, result.as_json())
        return chunks.Tally()

    return commit


def _one(verdict_id: int, kept: Facts, dataset: Dataset, listings: dict[str, Listing]) -> RecheckedVerdict:
    with begin() as session:
        parts = [
            reasons.gone(session, kept, listings, datetime.now(UTC).date()),
            reasons.relearned(session, kept, dataset),
        ]
    parts += [reasons.repriced(kept, dataset), reasons.drifted(kept, dataset, drift.told_apart, drift.MOST)]
    usd, seconds, sentence = reasons.deciding_anew(kept, dataset)
    return RecheckedVerdict(
        verdict=verdict_id,
        reasons=tuple(reason for part in parts for reason in part.reasons),
        notes=tuple(note for part in parts for note in part.notes),
        usd=usd,
        seconds=seconds,
        anew=sentence,
    )


def _listings(names: set[str]) -> dict[str, Listing]:
    """What each endpoint names when it is asked which models it has: free of charge. One that was removed is not asked,
    and one that does not answer says why."""
    found: dict[str, Listing] = {}
    for name in sorted(names):
        try:
            found[name] = frozenset(model.id for model in endpoint_actions.list_models(name) if model.is_listed)
        except UserError as error:
            found[name] = str(error)
    return found
