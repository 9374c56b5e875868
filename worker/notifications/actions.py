"""Every verb about notifications: noting what happened, telling it, and a test whether it arrives."""

import logging
import secrets
from dataclasses import dataclass
from typing import Any

from db import access, events
from db.engine import begin
from db.errors import UserError
from db.events import Event, EventKind
from db.settings import Settings, settings
from db.types import Verb
from worker.notifications import channels, occasions
from worker.notifications.channels import Channel, NotTaken

log = logging.getLogger(__name__)

AT_ONCE = 50  # events that one call tells at most


def told_of(config: Settings) -> set[EventKind]:
    """What the settings want told. Raises UserError for what there is not."""
    wanted = channels.words(config.notify_of)
    if unknown := [word for word in wanted if word not in set(EventKind)]:
        there = ", ".join(EventKind)
        raise UserError(f"PRICEWRIGHT_NOTIFY_OF names {unknown[0]}, which there is not; there are: {there}.")
    return {EventKind(word) for word in wanted or EventKind} | {EventKind.TEST}


def work() -> None:
    """Note what happened and tell it. Nothing that goes wrong with the settings stops the notes."""
    occasions.note_new()
    try:
        ways, kinds = channels.all_of(settings()), told_of(settings())
    except UserError as error:
        log.warning("%s", error)
        return
    if not ways:
        with begin() as session:
            events.close_all(session)
        return
    for _ in range(AT_ONCE):
        with begin() as session:
            event = events.take_due(session)
        if event is None:
            return
        _deliver(event, ways if event.kind in kinds else [])


def _deliver(event: Event, ways: list[Channel]) -> list[str]:
    """Tell each channel that was not told yet, and note how that went; what went wrong, a sentence each."""
    taken, wrong = list(event.taken_by), []
    for way in ways:
        if way.name in taken:
            continue
        try:
            way.tell(event)
        except NotTaken as error:
            wrong.append(str(error))
        else:
            taken.append(way.name)
    with begin() as session:
        if wrong:
            events.postpone(session, event, taken, " ".join(wrong))
        else:
            events.close(session, event.id, taken)
    return wrong


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of a test."""

    told: list[str]  # channels that took it
    wrong: list[str]  # sentences


def send_test() -> Tested:
    """Tell every channel, now and once, that this is a test. Raises UserError where there is none."""
    config = settings()
    ways = channels.all_of(config)
    told_of(config)
    if not ways:
        raise UserError("Nobody is told anything yet: set PRICEWRIGHT_NOTIFY_WEBHOOKS or PRICEWRIGHT_NOTIFY_SMTP.")
    with begin() as session:
        access.act(session, Verb.TEST_NOTIFICATIONS)
    sentence = "This is a test: Pricewright reaches you."
    event = Event(EventKind.TEST, f"test:{secrets.token_hex(8)}", sentence, {})
    told, wrong = [], []
    for way in ways:
        try:
            way.tell(event)
        except NotTaken as error:
            wrong.append(str(error))
        else:
            told.append(way.name)
    return Tested(told, wrong)


def latest(limit: int = 50) -> list[dict[str, Any]]:
    """The newest events with what became of them."""
    with begin() as session:
        return events.latest(session, limit)


def ways() -> list[str]:
    """The names of those who are told. Raises UserError where the settings do not suffice."""
    return [way.name for way in channels.all_of(settings())]
