"""The curve of a tuning behind an endpoint: its events as points, in the words of a local training."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from db.types import TrainingPoint
from worker.endpoints.tuning import Event

TRAINING = {"train_loss": "loss", "train_mean_token_accuracy": "token_accuracy"}
VALIDATION = {
    "valid_loss": "loss", "valid_mean_token_accuracy": "token_accuracy", "full_valid_loss": "loss",
    "full_valid_mean_token_accuracy": "token_accuracy",
}  # fmt: skip
"""The endpoint's word -> ours; over all validation rows counts more than over a few, so it comes later."""


def points(events: Sequence[Event], before: Sequence[TrainingPoint]) -> list[TrainingPoint]:
    """What to add to a curve. `before`: what it has; what is told without figures joins the notes of the last step."""
    notes = {point.step: str(point.values["text"]) for point in before if point.kind == "note"}
    at = max((point.step for point in before), default=0)
    began = min((point.at for point in before if point.at), default=events[0].at if events else None)
    added: list[TrainingPoint] = []
    for event in events:
        if event.step is None:
            notes[at] = "\n".join(filter(None, [notes.get(at, ""), event.text]))
            added.append(TrainingPoint(at, "note", {"text": notes[at]}))
            continue
        at = event.step
        if figures := _renamed(event.values, TRAINING):
            added.append(TrainingPoint(at, "step", figures | _seconds(began, event.at)))
        if figures := _renamed(event.values, VALIDATION):
            added.append(TrainingPoint(at, "eval", figures))
    return added


def at_end(curve: Sequence[TrainingPoint], measured: Mapping[str, Any]) -> TrainingPoint:
    """What was measured of the model that came out, beside what the endpoint told last."""
    step = max((point.step for point in curve), default=0)
    last = next((point.values for point in curve if (point.step, point.kind) == (step, "eval")), {})
    return TrainingPoint(step, "eval", last | dict(measured) | {"is_best": True})


def _renamed(values: Mapping[str, float], names: Mapping[str, str]) -> dict[str, float]:
    return {ours: values[theirs] for theirs, ours in names.items() if theirs in values}


def _seconds(began: datetime | None, at: datetime) -> dict[str, float]:
    return {"seconds": max(0.0, (at - began).total_seconds())} if began else {}
