"""What was not run yet, with what it takes by the usual estimates and what is known of what it would bring.

An expected gain is only given where something was measured that it follows from: a context curve or a smaller sample on
rows that the run ahead priced, too, or the curves of a data need. Everything else would tell something nobody knows,
and stands by what finding out costs.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from db import jobs
from db.engine import Session
from db.errors import UserError
from db.types import Family, JobKind, JobState, Split
from worker import specs
from worker.advisor import forecast
from worker.advisor.advice import Link, NextStep
from worker.advisor.evidence import Curve, Evidence
from worker.data_need import actions as data_need_actions
from worker.evaluation import context_curve, data_curve
from worker.finetune import planning as finetune_planning
from worker.pricing import comparison, kept, planning
from worker.specs import BaseSpec, CombinedSpec, FinetunedSpec, finetune
from worker.specs import data_need as specs_data_need
from worker.specs.data_need import FINETUNE, WAYS

CURVE_ROWS = 200
"""Test rows that each step of a context curve prices, at most."""

MORE = 2
"""Times the rows that there are: a doubling is as far as forecasts of the data need were tested."""


def steps(session: Session, evidence: Evidence) -> tuple[NextStep, ...]:
    """What to try next, the most promising first: gains that are sure, then gains to expect, then what only the run
    itself would tell, the cheapest first; last what gains and stays behind the run ahead all the same. What is expected
    to bring nothing is left out."""
    makers = (_untried, _smaller, _curves, _ties, _fine_tune, _more_prices, _data_need)
    found: list[NextStep] = []
    for maker in makers:
        found += maker(session, evidence)
    return tuple(sorted((step for step in found if step.gain is None or step.gain < 0), key=_place))


def _place(step: NextStep) -> tuple[Any, ...]:
    usd = float("inf") if step.usd is None else float(step.usd)
    if step.stays_behind:
        return 3, step.gain, usd, step.text
    if step.gain is None:
        return 2, usd, step.seconds or 0.0, step.text
    is_sure = step.high is not None and step.high < 0
    return (0 if is_sure else 1), step.gain, usd, step.text


@dataclass(frozen=True)
class _Target:
    """The rows that the run ahead priced, of the test side."""

    limit: int | None

    @classmethod
    def of(cls, evidence: Evidence) -> "_Target":
        lead = evidence.lead
        job = evidence.jobs[lead["job_id"]] if lead else None
        return cls(job.item_limit if job and job.split is Split.TEST else None)

    @property
    def names(self) -> dict[str, str]:
        """How many rows, for the address of the Run page."""
        return {"limit": str(self.limit)} if self.limit else {}

    @property
    def flags(self) -> str:
        return " --rows test" + (f" --limit {self.limit}" if self.limit else "")


def _priced(
    session: Session, evidence: Evidence, spec: BaseSpec, limit: int | None
) -> tuple[Decimal | None, float] | None:
    """Dollars (None: unknown) and seconds of pricing test rows; None where it could only fail, or is there already."""
    with suppress(UserError):
        rows = evidence.dataset.splits.get(Split.TEST, 0)
        if not rows:
            return None
        known = planning.estimate(session, evidence.dataset, spec, Split.TEST, limit)
        if known.reuses is not None:
            return None
        return known.total[1] if known.total else None, known.seconds + known.fixed_seconds
    return None


def _together(took: Sequence[tuple[Decimal | None, float] | None]) -> tuple[Decimal | None, float] | None:
    """The sum of several, without those that are there already; None where all are."""
    left = [each for each in took if each is not None]
    if not left:
        return None
    known = [usd for usd, _ in left if usd is not None]
    return sum(known, Decimal(0)) if len(known) == len(left) else None, sum(seconds for _, seconds in left)


def _model(evidence: Evidence) -> dict[str, str]:
    """The language model that the analyst's own runs asked, the best of them first."""
    for job_id in evidence.table["job_id"]:
        spec = evidence.specs[job_id]
        if isinstance(spec, specs.LlmSpec) and not isinstance(spec, FinetunedSpec):
            return {"model": spec.model} if spec.model != specs.LlmSpec().model else {}
    return {}


def _untried(session: Session, evidence: Evidence) -> Iterator[NextStep]:
    """Techniques that are usually tried and were not."""
    target, model = _Target.of(evidence), _model(evidence)
    learns = evidence.dataset.splits.get(Split.TRAIN, 0) > 0
    for name, kind in specs.SPECS.items():
        is_usual = kind.is_default or kind.is_preselected
        if not is_usual or evidence.is_tried(name) or (kind.needs_fit and not learns):
            continue
        names = model if "model" in specs.asked_fields(kind) else {}
        spec = specs.parse({"technique": name} | names)
        members: dict[int, BaseSpec] = _members(evidence) if isinstance(spec, CombinedSpec) else {}
        if len(members) > 1:
            spec = spec.model_copy(update={"members": tuple(members.values())})
        took = _priced(session, evidence, spec, target.limit)
        if took is None:
            continue
        usd, seconds = took
        command = f"pricewright price {evidence.dataset.id} --technique {name}{target.flags}"
        command += "".join(f" --set {field}={value}" for field, value in names.items())
        if len(members) > 1:
            command += f" --set members={','.join(map(str, members))}"
        link = Link("run", f"Run {kind.label}", {"technique": name} | names | target.names, command)
        yield NextStep(specs.describe(spec), kind.about, link, usd, seconds)


def _members(evidence: Evidence) -> dict[int, BaseSpec]:
    """Job -> spec of the baselines that were run, each once: a combination of those has their answers already."""
    found: dict[int, BaseSpec] = {}
    for job_id, spec in evidence.specs.items():
        if evidence.jobs[job_id].source_id is not None:  # its answers are those of what learned there
            continue
        if spec.family is Family.BASELINE and spec not in found.values() and len(found) < specs.combined.MOST:
            found[job_id] = spec
    return found


def _smaller(session: Session, evidence: Evidence) -> Iterator[NextStep]:
    """Runs on fewer rows, the best of a context curve among them, that erred less there than the best of their family:
    all of the rows would tell whether that holds."""
    target = _Target.of(evidence)
    steps_of = {job_id: curve for curve in evidence.curves for job_id in curve.jobs}
    tried = {evidence.first_run(job_id) for job_id in evidence.compared}
    for job_id, job in evidence.jobs.items():
        spec = evidence.specs[job_id]
        head = evidence.heads.get(spec.family)
        curve = steps_of.get(job_id)
        if evidence.first_run(job_id) in tried or head is None or (curve and job_id not in curve.worth_more):
            continue
        if job.source_id is not None:
            continue
        tried.add(evidence.first_run(job_id))
        gap = _paired(evidence, curve, job_id, head)
        took = _priced(session, evidence, spec, target.limit)
        if gap is None or took is None:
            continue
        settings = _settings(spec)
        command = f"pricewright price {evidence.dataset.id} --technique {job.technique}{target.flags}"
        command += "".join(f" --set {field}={value}" for field, value in settings.items())
        ground = (
            f"Job {job_id} priced {gap.rows} of these rows so: that much, row by row, beside {evidence.names[head]}."
        )
        if curve:
            ground += f" It is one of {len(curve.jobs)} steps of a context curve; the interval allows for that."
        lead = evidence.lead["job_id"] if evidence.lead else head
        ahead = _paired(evidence, curve, job_id, lead) if lead != head else None
        stays_behind = ahead is not None and ahead.low is not None and ahead.low > 0
        if stays_behind:
            ground += f" On those rows it is surely behind {evidence.names[lead]} all the same."
        names = {"technique": job.technique} | settings | target.names
        text = f"{specs.describe(spec)} on all of the rows"
        if spec.k_counts and "k" in job.spec:
            text = f"Try {job.spec['k']} {spec.k_counts}: {text}"
        link = Link("run", f"Run {spec.label}", names, command)
        ends, sure = (gap.diff, gap.low, gap.high), comparison.level()
        yield NextStep(text, ground, link, *took, *ends, sure, stays_behind=stays_behind)


def _settings(spec: BaseSpec) -> dict[str, str]:
    """The settings of a technique that differ from the usual ones, as a person would give them."""
    standard, asked = type(spec)().model_dump(mode="json"), specs.asked_fields(type(spec))
    decided = ("prompt", "members", "min_price", "max_price")  # by the versions of prompts, other runs, the train side
    return {
        field: str(value)
        for field, value in spec.model_dump(mode="json").items()
        if field in asked and field not in decided and value != standard[field]
    }


@dataclass(frozen=True, slots=True)
class _Gap:
    """Mean error of a run minus that of another ($), on so many rows that both priced."""

    diff: float
    low: float | None
    high: float | None
    rows: int


def _paired(evidence: Evidence, curve: Curve | None, job_id: int, head: int) -> _Gap | None:
    """How much a technique differs from another, each the mean of its runs, the interval corrected for the steps of a
    context curve that it was the best of; None where they share no row."""
    made = kept.Comparison(sorted({*(curve.jobs if curve else ()), *evidence.runs(job_id), *evidence.runs(head)}))
    one, other = (made.repeats.get(each, each) for each in (job_id, head))
    line = made.part("every pair").filter((pl.col("first") == one) & (pl.col("second") == other)).row(0, named=True)
    if line["diff"] is None:
        return None
    return _Gap(line["diff"], line["diff_low"], line["diff_high"], int(made.part("table")["n"][0]))


def _curves(session: Session, evidence: Evidence) -> Iterator[NextStep]:
    """Context curves that nobody measured, of techniques that were tried or stand for a family."""
    model, test = _model(evidence), evidence.dataset.splits.get(Split.TEST, 0)
    if not evidence.dataset.splits.get(Split.TRAIN, 0) or not test:
        return
    limit = min(test, CURVE_ROWS)
    for name, kind in specs.SPECS.items():
        if not kind.k_counts or kind.needs_adapter or any(_is_of(curve, name, evidence) for curve in evidence.curves):
            continue
        if not evidence.is_tried(name):
            continue
        each_k = [specs.parse({"technique": name, "k": k} | model) for k in context_curve.STEPS]
        took = _together([_priced(session, evidence, spec, limit) for spec in each_k])
        if took is None:
            continue
        steps_said = ", ".join(map(str, context_curve.STEPS))
        command = f"pricewright curve {evidence.dataset.id} --technique {name} --limit {limit}"
        command += "".join(f" --set {field}={value}" for field, value in model.items())
        yield NextStep(
            f"{kind.label}: vary the number of {kind.k_counts}",
            f"Prices {limit} test rows with {steps_said} {kind.k_counts}, and says where more stops paying.",
            Link("run", "Vary the number", {"technique": name} | model, command),
            *took,
        )


def _is_of(curve: Curve, technique: str, evidence: Evidence) -> bool:
    return any(evidence.jobs[job_id].technique == technique for job_id in curve.jobs)


def _ties(session: Session, evidence: Evidence) -> Iterator[NextStep]:
    """More test rows, where that would probably tell the run ahead from one that can't be told apart from it."""
    lead, test = evidence.lead, evidence.dataset.splits.get(Split.TEST, 0)
    ties = evidence.table.filter((pl.col("verdict") == "tie") & pl.col("more_rows").is_not_null()).sort("more_rows")
    if lead is None or ties.is_empty():
        return
    other = ties.row(0, named=True)
    limit = evidence.rows + other["more_rows"]
    if limit > test:
        return
    both = lead["job_id"], other["job_id"]
    if any(evidence.jobs[job_id].source_id is not None for job_id in both):  # worker.advisor.actions says so
        return
    pair = [evidence.specs[job_id] for job_id in both]
    took = _together([_priced(session, evidence, spec, limit) for spec in pair])
    if took is None:
        return
    first, second = (evidence.names[job_id] for job_id in both)
    command = f"pricewright price {evidence.dataset.id} --rows test --limit {limit}"
    command += "".join(f" --technique {spec.technique}" for spec in pair)
    yield NextStep(
        f"{other['more_rows']:,} more test rows with {first} and {second}",
        "The two can't be told apart now. If they differ as much as they seem to, so many rows tell which is better in "
        "80 of 100 cases.",
        Link("run", "Price more rows", {"technique": pair[0].technique, "limit": str(limit)}, command),
        *took,
    )


def _fine_tune(session: Session, evidence: Evidence) -> Iterator[NextStep]:
    """A training, where none was made; its gain as the curves of a data need foretell it."""
    if evidence.adapters:
        yield from _with_adapter(session, evidence)
        return
    with suppress(UserError):
        spec = finetune_planning.pinned(session, evidence.dataset, finetune.TrainSpec())
        there = finetune_planning.check(session, evidence.dataset, spec)
        known = finetune_planning.estimate(session, evidence.dataset, spec)
        foretold = forecast.of(evidence)
        link = Link("finetune", "Fine-tune", {}, f"pricewright finetune {evidence.dataset.id}")
        usd, seconds = (known.usd, known.seconds) if known else (None, None)
        text, ground = (
            f"Fine-tune {spec.model} on {there:,} rows",
            "It would tell what training on your own prices brings.",
        )
        if known is None:
            ground += " Nobody timed it here yet: the Fine-tune page does so in a minute."
        if foretold is None or there > foretold.reach:
            yield NextStep(text, ground, link, usd, seconds)
            return
        rival, gain, low, high = foretold.against(there)
        ground = (
            f"Data need, job {foretold.job}, foretells it from growing parts, beside {WAYS[rival]} with the same rows, "
            f"on validation rows. There it was trained so: {finetune.describe(foretold.training)}; other settings may "
            "bring other amounts."
        )
        yield NextStep(text, ground, link, usd, seconds, gain, low, high, data_curve.LEVEL)


def _with_adapter(session: Session, evidence: Evidence) -> Iterator[NextStep]:
    """Pricing with an adapter that priced nothing yet."""
    if Family.FINETUNE in evidence.heads:
        return
    adapter, target = evidence.adapters[0], _Target.of(evidence)
    spec = specs.parse({"technique": "finetuned", "adapter": adapter.id})
    took = _priced(session, evidence, spec, target.limit)
    if took is None:
        return
    command = f"pricewright price {evidence.dataset.id} --technique finetuned --adapter {adapter.id[:12]}{target.flags}"
    names = {"technique": "finetuned", "adapter": adapter.id} | target.names
    ground = "The adapter was trained, and its prices were never compared on test rows."
    text = f"Price with adapter {adapter.id[:8]}"
    yield NextStep(text, ground, Link("run", "Run Fine-tuned", names, command), *took)


def _more_prices(session: Session, evidence: Evidence) -> Iterator[NextStep]:
    """Twice the rows with prices, for the way that a data need found best with what there is."""
    del session
    foretold = forecast.of(evidence)
    if foretold is None or evidence.data_need is None:
        return
    there = int(evidence.data_need_result["report"]["there"])
    rows = MORE * there
    if there < 1 or rows > foretold.reach:
        return
    way = min(foretold.lines, key=lambda name: foretold.lines[name].at(there)[0])
    line = foretold.lines[way]
    gain, low, high = data_curve.gain(line, rows, line, there)
    usd = None
    if way == FINETUNE:
        usd = data_need_actions.cost(evidence.data_need, evidence.data_need_result["report"], rows, Decimal(0))
    command = f"pricewright data-need {evidence.dataset.id} --label-usd 0.10"
    yield NextStep(
        f"{rows - there:,} more rows with prices, for {WAYS[way]}",
        f"Data need, job {foretold.job}, foretells it from growing parts, on validation rows; over a doubling its "
        "forecasts were tested.",
        Link("data_need", "See the curves", {}, command),
        Decimal(0) if usd is None else usd,
        None,
        gain,
        low,
        high,
        data_curve.LEVEL,
        extra="and what the prices cost you to find out",
    )


def _data_need(session: Session, evidence: Evidence) -> Iterator[NextStep]:
    """The question how many rows it needs, where nobody asked it."""
    splits = evidence.dataset.splits
    measured = min(splits.get(Split.VALIDATION, 0) // 2, 100)
    is_asked = any(
        job.state not in (JobState.FAILED, JobState.CANCELLED)
        for job in jobs.all(session, evidence.dataset.id, JobKind.DATA_NEED)
    )
    if is_asked or splits.get(Split.TRAIN, 0) < data_need_actions.FEWEST or measured < specs_data_need.FEWEST_MEASURED:
        return
    with suppress(UserError):
        spec = specs_data_need.DataNeedSpec(measured=measured)
        known = data_need_actions.estimate(evidence.dataset.id, spec)
        yield NextStep(
            "How many priced rows fine-tuning needs",
            "Learns from an eighth, a quarter, a half and all rows, and forecasts what more would bring.",
            Link("data_need", "Measure it", {}, f"pricewright data-need {evidence.dataset.id}"),
            known.usd,
            known.seconds,
        )
