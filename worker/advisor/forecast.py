"""What a data need foretells: how the error of each way falls with more rows."""

from dataclasses import dataclass

from worker.advisor.evidence import Evidence
from worker.data_need.results import measured, rungs_of
from worker.evaluation import data_curve
from worker.specs import data_need as specs_data_need
from worker.specs.data_need import FINETUNE
from worker.specs.finetune import TrainSpec


@dataclass(frozen=True)
class Forecast:
    """The lines of a data need: how the error of each way falls with more rows."""

    job: int
    lines: dict[str, data_curve.Line]
    training: TrainSpec  # how fine-tuning was done for it
    reach: float  # rows; further than that nothing is foretold

    def against(self, rows: int) -> tuple[str, float, float, float]:
        """The best other way with so many rows, and how much fine-tuning differs from it, with an interval."""
        rivals = [name for name in self.lines if name != FINETUNE]
        rival = min(rivals, key=lambda name: self.lines[name].at(rows)[0])
        return rival, *data_curve.gain(self.lines[FINETUNE], rows, self.lines[rival], rows)


def of(evidence: Evidence) -> Forecast | None:
    """None before a data need was measured with fine-tuning and another way."""
    if evidence.data_need is None:
        return None
    rungs = measured(rungs_of(dict(evidence.data_need_result)))
    lines = data_curve.lines(rungs) if rungs else {}
    if FINETUNE not in lines or len(lines) < 2:
        return None
    training = specs_data_need.parse(evidence.data_need.spec["data_need"]).train
    return Forecast(evidence.data_need.id, lines, training, data_curve.REACH * max(each.rows for each in rungs))
