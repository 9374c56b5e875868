"""Every verb about advice, for pages, the command line and reports alike: ask for it, and write it as JSON."""

from typing import Any

from db import guesses
from db.engine import Session
from worker import amounts
from worker.advisor import evidence, facts, next_steps, table
from worker.advisor.advice import COLUMNS, Advice, Fact, Link, NextStep
from worker.advisor.evidence import Evidence
from worker.evaluation.measures import DECIDING, USUAL
from worker.guesses import actions as guess_actions
from worker.pricing import comparison, comparison_jobs
from worker.pricing.kept import Comparison


def advice(session: Session, dataset_id: int) -> Advice:
    """What the analyst's own runs say about each way, and what to try next. Raises NotFound."""
    known = evidence.gather(session, dataset_id)
    return Advice(
        dataset=dataset_id,
        rows=known.rows,
        verdict=_verdict(known),
        ways=table.ways(known),
        steps=next_steps.steps(session, known),
        notes=_notes(known),
        you=_you(session, known),
    )


def demand(session: Session, dataset_id: int) -> None:
    """Nothing where `advice` takes a moment. Raises BeingMade where a worker first compares many predictions."""
    made = Comparison(evidence.runs(session, dataset_id).compared)
    comparison_jobs.demand(made, *((part, USUAL) for part in evidence.PARTS))


def _verdict(known: Evidence) -> str:
    """Which run is ahead of all, and how the best of each other kind stands to it."""
    lead = known.lead
    if lead is None or lead["mae"] is None:
        return ""
    ahead = known.specs[lead["job_id"]].family
    kind = f" ({table.NAMES[ahead]})" if ahead in table.NAMES else ""
    rows = amounts.count(known.rows, "test row")
    error = DECIDING[USUAL].named(known.weighted_by)
    said = [f"Ahead on {rows}: {known.names[lead['job_id']]}{kind}, {error} {facts.figure(lead, 'mae')}"]
    standing: dict[str, list[str]] = {}
    for family in evidence.FAMILIES:
        line = known.line(known.heads.get(family))
        if family is not ahead:
            standing.setdefault("" if line is None else str(line["verdict"]), []).append(table.NAMES[family])
    for verdict, start in (
        ("worse", "Surely behind it"), ("tie", "Not to be told apart from it on these rows"), ("", "Not run yet")
    ):  # fmt: skip
        if verdict in standing:
            said.append(f"{start}: {amounts.listed(standing[verdict])}")
    return ". ".join(said) + "."


def _you(session: Session, known: Evidence) -> Fact | None:
    """How far a person's own guesses were off, in the newest game that is over; None where nobody guessed enough."""
    for game in guesses.all(session, known.dataset.id):
        is_over = game.ended_at is not None or (known.now - game.started_at).total_seconds() > game.seconds
        if not is_over:
            continue
        found = guess_actions.of_game(session, game)
        you = found.you
        if you is None or you["n"] < guess_actions.FEWEST:
            continue
        text = f"{facts.figure(you, 'mae')} on {amounts.count(you['n'], 'test row')}, guessed by {game.person}."
        link = Link("guess", f"game {game.id}", {"game": str(game.id)})
        return Fact(
            "error", "You, without a machine", text, link, True, you["mae"], "dollars", you["mae_low"], you["mae_high"]
        )
    return None


def _notes(known: Evidence) -> tuple[str, ...]:
    """What to know before the table is believed."""
    said = []
    if known.rows:
        said.append(
            f"All errors are on the same {known.rows:,} test rows, which every run here priced."
            f"{comparison.all_weighed(known.weighted_by)}"
        )
    if any(count > 1 for count in known.counts.values()):
        said.append(
            "A line shows the run of its kind with the least error here. It was chosen by these very rows, so its "
            "figure looks a little better than it is; the comparison with the run ahead is corrected for all runs."
        )
    if known.hardest:
        said.append("Where a run errs most is the largest of several figures: on other rows it would be a little less.")
    if elsewhere := sorted(job_id for job_id in known.compared if known.jobs[job_id].source_id is not None):
        said.append(
            f"{amounts.listed([known.names[job_id] for job_id in elsewhere])}: what to try next proposes steps that "
            "learn from this table's own rows only, because a run with another source is started with that source on "
            "the Run page."
        )
    combined = [job for family, job in known.heads.items() if family not in evidence.FAMILIES]
    for job_id in combined:
        line = known.line(job_id)
        if line is not None and line["mae"] is not None:
            said.append(
                f"Not in the table, because it is made of others: {known.names[job_id]} (job {job_id}), mean error "
                f"{facts.figure(line, 'mae')}."
            )
    return tuple(said)


def report(advised: Advice) -> dict[str, Any]:
    """Advice as JSON: ways with a list of facts for each column, next steps, notes."""
    return {
        "dataset": advised.dataset,
        "rows": advised.rows,
        "verdict": advised.verdict,
        "ways": [
            {"family": str(way.family), "name": way.name, "about": way.about, "job": way.job}
            | {column: [_fact(fact) for fact in way.cell(column)] for column in COLUMNS}
            for way in advised.ways
        ],
        "you": _fact(advised.you) if advised.you else None,
        "steps": [_step(step) for step in advised.steps],
        "notes": list(advised.notes),
    }


def _fact(fact: Fact) -> dict[str, Any]:
    plain = {
        name: getattr(fact, name) for name in ("key", "claim", "text", "value", "unit", "low", "high", "is_measured")
    }
    return plain | {"link": _link(fact.link)}


def _link(link: Link) -> dict[str, Any]:
    return {"page": link.page, "label": link.label, "names": dict(link.names), "command": link.command}


def _step(step: NextStep) -> dict[str, Any]:
    plain = {
        name: getattr(step, name)
        for name in ("text", "sentence", "ground", "seconds", "gain", "low", "high", "level", "extra", "stays_behind")
    }
    return plain | {"usd": None if step.usd is None else float(step.usd), "link": _link(step.link)}
