"""What a technique may use while the data need is measured: a knowledge base of some rows only."""

from worker.knowledge.index import PgIndex
from worker.knowledge.subset import RowsIndex
from worker.resources import LiveResources


class RowsResources(LiveResources):
    """Resources whose index knows only the rows that a technique was fitted on."""

    def __init__(self, dataset_id: int) -> None:
        super().__init__(dataset_id)
        self._rows = RowsIndex(PgIndex(dataset_id))

    def index(self) -> RowsIndex:
        return self._rows
