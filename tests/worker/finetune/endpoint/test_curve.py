"""The events of an endpoint become the same curve, whether they come at once or in pieces."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from db.types import TrainingPoint
from worker.endpoints.tuning import Event
from worker.finetune.endpoint import curve

START = datetime(2026, 9, 1, tzinfo=UTC)


def _event(number: int, step: int | None = None, text: str = "", **values: float) -> Event:
    return Event(f"e{number}", START + timedelta(seconds=number), text, step, values)


EVENTS = [
    _event(0, text="Created"),
    _event(1, text="Started"),
    _event(2, 1, train_loss=2.0, train_mean_token_accuracy=0.5, valid_loss=2.5),
    _event(3, 2, train_loss=1.0, valid_loss=1.5, full_valid_loss=1.25),
    _event(4, text="Checkpoint created"),
    _event(5, text="Done"),
]


def _stored(points: list[TrainingPoint], at: datetime = START) -> list[TrainingPoint]:
    """As the table keeps them: a later point of the same step and kind is written over the one before."""
    return list({(point.step, point.kind): replace(point, at=at) for point in points}.values())


def test_losses_get_our_names_and_notes_stay_with_their_step():
    told = {(point.step, point.kind): point.values for point in _stored(curve.points(EVENTS, []))}
    assert told == {
        (0, "note"): {"text": "Created\nStarted"},
        (1, "step"): {"loss": 2.0, "token_accuracy": 0.5, "seconds": 2.0},
        (1, "eval"): {"loss": 2.5},
        (2, "step"): {"loss": 1.0, "seconds": 3.0},
        (2, "eval"): {"loss": 1.25},
        (2, "note"): {"text": "Checkpoint created\nDone"},
    }


def test_events_that_come_in_pieces_make_the_same_curve():
    whole = _stored(curve.points(EVENTS, []))
    for cut in range(len(EVENTS) + 1):
        first = _stored(curve.points(EVENTS[:cut], []))
        both = _stored(first + curve.points(EVENTS[cut:], first))
        assert [(p.step, p.kind, p.values) for p in both] == [(p.step, p.kind, p.values) for p in whole]
