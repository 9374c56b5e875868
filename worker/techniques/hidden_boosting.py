"""Gradient boosted trees on words and on what a language model holds in its last layer about an item."""

from functools import cached_property

import polars as pl

from worker.llm.base import LanguageModel
from worker.progress import Progress
from worker.prompts.builtin import BUILT_IN
from worker.prompts.filling import Form
from worker.specs import HiddenBoostingSpec
from worker.techniques.shared.boosting import Boosting
from worker.techniques.shared.features import Floats
from worker.techniques.shared.prompt_filling import Given, fill
from worker.techniques.shared.prompting import item_texts


class HiddenBoosting(Boosting[HiddenBoostingSpec]):
    """The model reads an item as a shop's page that is about to say its price, and says nothing: one pass, no answer.

    The model is as it comes, or has an adapter's weights in it. An adapter that learned from the very rows that the
    trees learn from knows their prices better than those of new items; early stopping on validation rows limits that.
    """

    @cached_property
    def model(self) -> LanguageModel:
        spec = self.spec
        if spec.adapter:
            return self.resources.adapted_model(spec.adapter, spec.model, spec.precision)
        return self.resources.language_model(spec.model, precision=spec.precision)

    def vectors(self, items: pl.DataFrame, progress: Progress) -> Floats:
        if items.is_empty():
            return super().vectors(items, progress)
        form = Form(BUILT_IN["listing"], self.model, self.spec.max_text_tokens)
        questions = fill(form, items["row"].to_list(), item_texts(items), [Given() for _ in range(len(items))])
        return self.model.hidden_states([one.prompt for one in questions], self.spec.pooling, progress)
