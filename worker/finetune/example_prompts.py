"""Makes examples of a dataset's rows, with the neighbours in them that the technique will show."""

import polars as pl

from db.types import PromptVersion
from worker.finetune.examples import Examples, examples
from worker.finetune.rows import Material, fingerprint
from worker.knowledge.index import PgIndex
from worker.progress import Aside, Progress
from worker.prompts.filling import Texts
from worker.specs.finetune import TrainSpec, asking
from worker.techniques.shared.prompt_filling import Given
from worker.techniques.shared.retrieval import add_neighbours


def examples_of(material: Material, spec: TrainSpec, texts: Texts, progress: Progress, measured: int = 0) -> Examples:
    """Examples of both sides; of validation rows only the first `measured`, 0 = all. Raises Cancelled."""
    index, template = PgIndex(material.dataset.id), material.template
    validation = material.validation.head(measured) if measured else material.validation
    return Examples(
        exemplify(material.train, spec, template, texts, index, progress, learns=True),
        exemplify(validation, spec, template, texts, index, progress, learns=False),
        fingerprint(material.dataset, spec),
    )


def exemplify(
    items: pl.DataFrame,
    spec: TrainSpec,
    template: PromptVersion,
    texts: Texts,
    index: PgIndex,
    progress: Progress,
    *,
    learns: bool,
) -> pl.DataFrame:
    """EXAMPLE_SCHEMA of the items, in order; `learns`: they are of the train side, which the index holds.

    Neighbours are never the item itself nor its near-copies.
    """
    given = [Given() for _ in range(len(items))]
    if spec.k:
        aside = Aside(progress)
        if learns:
            index.build(items, aside)
        unpriced = items.with_columns(price=pl.lit(None, pl.Float64))
        add_neighbours(given, unpriced, asking(spec), index, texts, aside, apart=learns)
    progress.advance(0)
    return examples(items, given, spec, template, texts)
