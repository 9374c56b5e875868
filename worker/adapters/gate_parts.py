"""Measures the parts of the gate: what a base model, or the adapter in production, and a new adapter do with the same.

What needs torch is imported when it is measured: every worker reads this file, and most never measure.
"""

import polars as pl

from db import datasets
from db.engine import begin
from db.errors import NotReady, UserError
from db.types import Adapter, Split
from worker.adapters.gate_rows import PricedPart, precision
from worker.datasets import quantities
from worker.evaluation.gate import Missing, Part
from worker.evaluation.resampling import Floats
from worker.progress import Progress
from worker.resources import LiveResources, local_model
from worker.specs import BaseSpec
from worker.specs.finetune import TrainSpec
from worker.techniques import build


def language(adapter: Adapter, progress: Progress) -> list[Part | Missing]:
    """The parts of language, as far as the models let them be measured."""
    from worker.training import gate_measures

    resources = LiveResources(adapter.dataset_id or 0)
    trained = TrainSpec.model_validate(adapter.spec)
    if not adapter.uses_endpoint:
        base = local_model(trained.model, precision(trained))
        adapted = resources.adapted_model(adapter.id, adapter.model, precision(trained))
        return [part.local(base, adapted, progress) for part in gate_measures.LANGUAGE_PARTS]
    asked = resources.language_model(trained.model), resources.language_model(adapter.model)
    return [part.at_endpoint(*asked, progress) for part in gate_measures.LANGUAGE_PARTS]


def prices(part: PricedPart | Missing, progress: Progress) -> Part | Missing:
    """The errors of both sides on the part's rows; what could not be measured stays so, with its reason."""
    from worker.training import gate_measures

    if isinstance(part, Missing):
        return part
    try:
        before = _priced(part.before, part.dataset_id, part.items, progress)
        after = _priced(part.after, part.dataset_id, part.items, progress)
    except (NotReady, UserError) as error:  # a base model that is gone, an endpoint that was deleted
        return Missing(part.name, str(error))
    truth = part.items["price"].to_numpy()
    if part.unit == "dollars":  # of the whole row, as all that is told; a ratio is the same for both
        with begin() as session:
            units = quantities.of_rows(session, part.dataset_id, part.items["row"].to_list())
        before, after, truth = before * units, after * units, truth * units
    return gate_measures.prices(part.name, part.unit, before, after, truth, part.about)


def _priced(spec: BaseSpec, dataset_id: int, items: pl.DataFrame, progress: Progress) -> Floats:
    """(n,) $, NaN where no price came; neighbours in a prompt are of the dataset."""
    technique = build(spec, LiveResources(dataset_id))
    if spec.learns:
        with begin() as session:
            train = datasets.items(session, dataset_id, Split.TRAIN, per_unit=True)
            validation = datasets.items(session, dataset_id, Split.VALIDATION, per_unit=True)
        technique.load(technique.fit(train, validation, progress))
    frame = technique.price(items.with_columns(price=pl.lit(None, pl.Float64)), progress)
    return frame["price"].fill_null(float("nan")).to_numpy()
