"""Gradient boosted trees on words, category, brand and numbers."""

import polars as pl

from worker.progress import Progress
from worker.specs import LightGBMSpec
from worker.techniques.shared.boosting import Boosting
from worker.techniques.shared.features import Floats


class LightGBM(Boosting[LightGBMSpec]):
    """The trees may see the sentence embedding too."""

    def vectors(self, items: pl.DataFrame, progress: Progress) -> Floats:
        if not self.spec.embeddings:
            return super().vectors(items, progress)
        return self.resources.index().vectors(items, progress)
