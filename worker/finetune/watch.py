"""Who watches a training in its process: what it says goes into Postgres, what a person wishes goes to the training."""

from collections.abc import Sequence

from db import rates, trainings
from db.engine import begin
from db.types import Checkpoint, Job, TrainingPoint
from worker.progress import Progress
from worker.work import Writing


class JobWatch:
    """A Watch (worker.training.process) that keeps the curve and the checkpoints of a job."""

    def __init__(self, job: Job, writing: Writing, progress: Progress, seen: int = 0) -> None:
        self._job, self._writing, self._progress = job, writing, progress
        self._seen = seen  # items that the optimiser saw, in all tries

    def points(self, points: Sequence[TrainingPoint]) -> None:
        for point in points:
            if point.kind == "step":
                point.values["usd"] = round(float(rates.of_work(self._job, point.values["seconds"])), 6)
        items = max([self._seen, *(point.values["items"] for point in points if point.kind == "step")])
        if points:
            with self._writing() as session:
                trainings.note(session, self._job.id, points)
        self._progress.advance(items - self._seen)
        self._seen = items

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        with self._writing() as session:
            trainings.save_checkpoint(session, self._job.id, checkpoint)

    def wants_stop(self) -> bool:
        with begin() as session:
            return trainings.is_asked_to_stop(session, self._job.id)


class Unwatched:
    """A Watch that keeps nothing; the training ends when its job is cancelled."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def points(self, points: Sequence[TrainingPoint]) -> None:
        del points
        self._progress.advance(0)

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        del checkpoint

    def wants_stop(self) -> bool:
        return False
