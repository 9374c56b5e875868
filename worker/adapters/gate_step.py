"""What does the guard step of a fine-tune do? It compares the new adapter with what was there, and keeps the report."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import polars as pl

from db import adapters, chunks, datasets, jobs, rates, results
from db.engine import Session, begin
from db.errors import NotReady, UserError
from db.settings import settings
from db.types import ITEM_SCHEMA, Adapter, Job, Split
from worker import specs
from worker.adapters import pricing
from worker.evaluation.gate import Missing, Part, Unit, judge
from worker.evaluation.resampling import Floats
from worker.progress import Progress
from worker.resources import LiveResources, local_model
from worker.specs import HOSTED_VALIDATION, BaseSpec, RagSpec, ZeroShotSpec, finetune
from worker.specs.finetune import GATE_ROWS, TrainSpec
from worker.techniques import build
from worker.techniques.shared.prompting import Aside

if TYPE_CHECKING:
    from worker.work import Work

OTHERS = "prices of other categories"
PREVIOUS = "prices of the adapter in production"
FEWEST_OTHERS = 30  # rows of other categories in the dataset; with fewer, those of the demo catalogue are taken

Commit = Callable[[Session], chunks.Tally]


def guard(work: "Work") -> Commit:
    """Measure the job's adapter against its base and against the adapter in production."""
    adapter, rival = _sides(work.job)
    progress = Aside(work.progress)  # the optimiser's items are what counts as done
    started = time.perf_counter()
    parts = [*_language(adapter, progress), _others(adapter, progress), _previous(adapter, rival, progress)]
    seconds = time.perf_counter() - started
    rival_id = rival.id if rival else ""
    report = judge(parts, settings().gate_worsening, settings().gate_confidence, rival_id).as_json()

    def commit(session: Session) -> chunks.Tally:
        adapters.set_forgetting(session, adapter.id, report)
        told = results.get(session, work.job.id) or {}
        results.put(session, work.job.id, {"adapter": adapter.id, "metrics": adapter.metrics, "forgetting": report})
        # Since the training ended, by every try of this step.
        job = jobs.get(session, work.job.id)
        paid = job.spent_usd - job.lost_usd - Decimal(told.get("spent_usd", "0"))
        usd = rates.usd_for(seconds, work.job.rate_usd_per_hour) + paid
        jobs.add_fixed_cost(session, work.job.id, seconds, usd)
        return chunks.Tally(usd=paid)

    return commit


def _sides(job: Job) -> tuple[Adapter, Adapter | None]:
    """The adapter that the job trained or was asked to measure, and the one of its task that is in production, if that
    is another."""
    with begin() as session:
        asked = job.spec.get("adapter")
        adapter = adapters.get(session, asked) if asked else adapters.of_job(session, job.id)
        if adapter is None:  # the same weights came out of an earlier job, which keeps them
            told = results.get(session, job.id) or {}
            if not told.get("adapter"):
                raise NotReady("The adapter of this training is gone; start the training again.")
            adapter = adapters.get(session, told["adapter"])
        rival = adapters.in_production(session, adapter.task)
    return adapter, rival if rival and rival.id != adapter.id else None


def _language(adapter: Adapter, progress: Progress) -> list[Part | Missing]:
    """Prose and questions, as far as the models let them be measured."""
    from worker.training import gate_measures

    resources = LiveResources(adapter.dataset_id or 0)
    trained = TrainSpec.model_validate(adapter.spec)
    if not adapter.is_hosted:
        base = local_model(trained.model, _precision(trained))
        adapted = resources.adapted_model(adapter.id, adapter.model, _precision(trained))
        return [gate_measures.prose(base, adapted, progress), gate_measures.questions(base, adapted, progress)]
    silent = "A model behind an endpoint does not say how likely it finds a text."
    return [
        Missing(gate_measures.PROSE, silent),
        gate_measures.choices(
            resources.language_model(trained.model), resources.language_model(adapter.model), progress
        ),
    ]


def _others(adapter: Adapter, progress: Progress) -> Part | Missing:
    """Rows of categories that the adapter was not trained on: the base's price cold, and the adapter's."""
    if adapter.dataset_id is None:
        return Missing(OTHERS, "The dataset was deleted, so nobody knows which categories are others.")
    items, about = _other_rows(adapter, adapter.dataset_id)
    if items.is_empty():
        return Missing(OTHERS, "The dataset has every category of the demo catalogue, and all were trained on.")
    return _compared(OTHERS, "log-error", _cold(adapter), _tuned(adapter), adapter.dataset_id, items, about, progress)


def _previous(adapter: Adapter, rival: Adapter | None, progress: Progress) -> Part | Missing:
    """The validation rows of the adapter in production, priced by it and by the new one."""
    if rival is None:
        return Missing(PREVIOUS, f"No other adapter is in production for {adapter.task}.")
    if rival.dataset_id is None:
        return Missing(PREVIOUS, f"The dataset of the adapter {rival.id[:8]} was deleted.")
    trained = TrainSpec.model_validate(rival.spec)
    with begin() as session:
        items = datasets.items(session, rival.dataset_id, Split.VALIDATION)
        seen = None if adapter.dataset_id is None else datasets.items(session, adapter.dataset_id, Split.TRAIN)
    if seen is None:
        return Missing(PREVIOUS, "The dataset was deleted, so nobody knows which rows were learned from.")
    if trained.categories:
        items = items.filter(pl.col("category").is_in(trained.categories))
    # A later table of the same shop is divided anew: what judged the old adapter may have taught the new one, with
    # other words in its description.
    items = items.join(seen, on=_plain("title"), how="anti")
    about = f"validation rows of {rival.dataset_name}, against the adapter {rival.id[:8]}"
    chosen = _some(items, adapter, is_paid=adapter.is_hosted or rival.is_hosted)
    if chosen.is_empty():
        return Missing(PREVIOUS, f"The new adapter learned from every validation row of {rival.dataset_name}.")
    return _compared(PREVIOUS, "dollars", _tuned(rival), _tuned(adapter), rival.dataset_id, chosen, about, progress)


def _plain(name: str) -> pl.Expr:
    """A text without case, punctuation and spaces at its ends."""
    return pl.col(name).str.to_lowercase().str.replace_all(r"[\W_]+", " ").str.strip_chars()


def _other_rows(adapter: Adapter, dataset_id: int) -> tuple[pl.DataFrame, str]:
    """ITEM_SCHEMA and what it is: validation rows outside of the categories trained on, else rows of the demo."""
    from worker.demo import catalogue

    trained = TrainSpec.model_validate(adapter.spec)
    category = pl.col("category").str.strip_chars().str.to_lowercase()
    with begin() as session:
        items = datasets.items(session, dataset_id)
        validation = datasets.items(session, dataset_id, Split.VALIDATION)
    if trained.categories:
        known = [name.strip().lower() for name in trained.categories]
        others = _some(validation.filter((category != "") & ~category.is_in(known)), adapter, is_paid=adapter.is_hosted)
        if len(others) >= FEWEST_OTHERS:
            return others, "validation rows of categories that were not trained on"
    known = items.select(category.unique())["category"].to_list()
    demo = catalogue().filter((category != "") & ~category.is_in(known))
    rows = pl.int_range(-1, -1 - pl.len(), -1, dtype=pl.Int64)  # no rows of the dataset
    others = _some(demo.with_columns(row=rows).select(list(ITEM_SCHEMA)), adapter, is_paid=adapter.is_hosted)
    return others, "rows of the demo catalogue"


def _some(items: pl.DataFrame, adapter: Adapter, *, is_paid: bool) -> pl.DataFrame:
    """A sample, the same for the same rows, of those whose price the adapter considers."""
    trained = TrainSpec.model_validate(adapter.spec)
    priced = items.filter(trained.bounds.hold(pl.col("price")))
    most = HOSTED_VALIDATION if is_paid else GATE_ROWS
    return priced.sample(min(most, len(priced)), seed=0, shuffle=True).sort("row")


def _compared(
    name: str,
    unit: Unit,
    before: BaseSpec,
    after: BaseSpec,
    dataset_id: int,
    items: pl.DataFrame,
    about: str,
    progress: Progress,
) -> Part | Missing:
    from worker.training import gate_measures

    try:
        old = _priced(before, dataset_id, items, progress)
        new = _priced(after, dataset_id, items, progress)
    except (NotReady, UserError) as error:  # a base model that is gone, an endpoint that was deleted
        return Missing(name, str(error))
    return gate_measures.prices(name, unit, old, new, items["price"].to_numpy(), about)


def _priced(spec: BaseSpec, dataset_id: int, items: pl.DataFrame, progress: Progress) -> Floats:
    """(n,) $, NaN where no price came; neighbours in a prompt are of the dataset."""
    technique = build(spec, LiveResources(dataset_id))
    if spec.learns:
        with begin() as session:
            train = datasets.items(session, dataset_id, Split.TRAIN)
            validation = datasets.items(session, dataset_id, Split.VALIDATION)
        technique.load(technique.fit(train, validation, progress))
    frame = technique.price(items.with_columns(price=pl.lit(None, pl.Float64)), progress)
    return frame["price"].fill_null(float("nan")).to_numpy()


def _tuned(adapter: Adapter) -> BaseSpec:
    with begin() as session:
        return pricing.fill(session, specs.parse({"technique": "finetuned", "adapter": adapter.id}))


def _cold(adapter: Adapter) -> BaseSpec:
    """The base model, asked with the adapter's own prompts."""
    trained = TrainSpec.model_validate(adapter.spec)
    kind = RagSpec if trained.k else ZeroShotSpec
    given = {name: getattr(trained, name) for name in ("model", *finetune.TRAINED) if name in kind.model_fields}
    return kind(**given, precision=_precision(trained))


def _precision(trained: TrainSpec) -> Literal["auto", "nf4"]:
    """On the weights that it was trained on, which is also what fits into the memory that is there."""
    return "nf4" if trained.quantisation == "nf4" else "auto"
