"""What is said of a race, on its page, in a terminal and on the jobs that it stopped."""

from collections.abc import Mapping

from db.job_results import Racer, RaceResult
from db.types import Job, JobState
from worker import amounts
from worker.evaluation.measures import Measure
from worker.race.planning import BOUND_SHARE
from worker.specs.race import RaceSpec


def progress(job: Job, result: RaceResult) -> str:
    """ "decided after 140 of 385 rows, $1.10 of $4.60 spent"."""
    if not result.rounds:
        return "Nothing is decided yet: the first rows are being priced."
    last = result.rounds[-1]
    verb = {"clear": "Decided", "rows": "Not decided", "alone": "Ended"}.get(result.ended, "Open")
    rows = f"all {last.rows:,} rows" if last.rows >= job.items_total else f"{last.rows:,} of {job.items_total:,} rows"
    if last.usd is None or last.whole_usd is None:
        return f"{verb} after {rows}; what that cost is unknown, for nobody told the price of a model's tokens."
    whole = max(last.whole_usd, last.usd)
    return f"{verb} after {rows}, {amounts.usd(last.usd)} of {amounts.usd(whole)} spent."


def verdict(result: RaceResult, names: Mapping[int, str], measure: Measure, spec: RaceSpec) -> str:
    """What the race says so far, no stronger than its intervals."""
    if not result.rounds:
        return ""
    left, last = result.left, result.rounds[-1]
    margin, by = margin_in_words(spec, measure), measure.named(spec.weighted_by)
    if result.ended == "clear":
        best, close = left[0], [racer for racer in result.racers if racer.why == "close"]
        if not close:
            return f"{names[best.job]} is the best: each of the others is surely worse, by {by}."
        same = ", ".join(names[racer.job] for racer in close)
        return (
            f"{names[best.job]} is chosen. Surely not better than one that stayed by more than {margin}: {same}. The "
            "others are surely worse."
            if len(close) < len(result.racers) - 1
            else f"{names[best.job]} is chosen. Surely not better by more than {margin}: {same}."
        )
    if result.ended == "alone":
        return f"Only {names[left[0].job]} could go on, so nothing was compared to the end."
    told = ", ".join(names[racer.job] for racer in left)
    ahead = f"{names[last.leader]} is ahead"
    if result.ended == "rows":
        return f"{ahead}, but the rows do not tell these apart by more than {margin}: {told}."
    return f"{ahead}; still in: {told}."


def margin_in_words(spec: RaceSpec, measure: Measure) -> str:
    """ "2 % of the leader's mean error"."""
    if spec.margin_is_share:
        return f"{spec.margin * 100:g} % of the leader's {measure.named(spec.weighted_by)}"
    return measure.written(spec.margin)


def exit_of(racer: Racer, names: Mapping[int, str]) -> str:
    """Why a technique is out; "" when it is in."""
    if racer.rows is None:
        return ""
    rival = names.get(racer.rival or 0, "another")
    return {
        "worse": f"out after {racer.rows:,} rows: surely worse than {rival}",
        "close": f"out after {racer.rows:,} rows: surely not better than {rival} by more than the margin",
    }.get(racer.why, f"out after {racer.rows:,} rows: {racer.why}")


def stopped(racer: Racer, result: RaceResult, items: int, race_id: int) -> str:
    """What a stopped job says of its end."""
    if racer.rival is not None:
        what = "surely worse than" if racer.why == "worse" else "surely not better, by more than the margin, than"
        why = f"after {racer.rows:,} of {items:,} rows it was {what} job {racer.rival}"
    elif result.ended == "alone":
        why = "nobody was left to race against"
    else:
        why = f"race {race_id} was decided after {result.rounds[-1].rows if result.rounds else 0:,} of {items:,} rows"
    return f"Stopped early by race {race_id}: {why}. What it priced is kept; Retry prices the rest."


def ended(job: Job) -> str:
    """Why a job left a race that did not stop it."""
    if job.state is JobState.FAILED:
        return f"its job failed ({(job.error or 'no reason').rstrip('.')})"
    return "its job was cancelled" if job.state is JobState.CANCELLED else "another race stopped it"


def about(result: RaceResult, measure: Measure, spec: RaceSpec) -> str:
    """What the intervals hold, and what was bounded."""
    said = (
        f"All pairs are held at once, whenever one looks: in at most {amounts.level(1 - spec.level)} of races is any "
        "of them said to be worse that is not."
    )
    if measure.unit == "price":
        said += (
            f" A difference of more than {measure.written(result.bound)} on a product, which {BOUND_SHARE:.0%} of the "
            f"train prices do not pass, counts as that much ({amounts.count(result.clipped, 'difference')} did)."
        )
    if spec.weighted_by:
        said += (
            f" Errors are weighted by {spec.weighted_by}; a race decides later the more the weights of rows differ, "
            "for much then rests on few rows."
        )
    return said
