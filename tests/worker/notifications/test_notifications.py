"""Things happen once and are told once: by webhook, signed, and by mail; who is away is told later."""

import hashlib
import hmac
import json
import socket
import threading
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import text

from db import events, jobs
from db.engine import begin
from db.errors import UserError
from db.events import Event, EventKind
from db.settings import settings
from db.types import JobState
from tests.builders import a_dataset, a_job
from worker.notifications import actions, channels, occasions


@contextmanager
def a_webhook(statuses=()):
    """A server that keeps what it was told and answers with these statuses, then with 200; its address and the mail."""
    told, answers = [], list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            told.append((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            status = answers.pop(0) if answers else 200
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?token=hidden", told
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def say(monkeypatch, database):
    """say(WEBHOOKS=...) sets the settings of notifications."""

    def say(**values):
        for name, value in values.items():
            monkeypatch.setenv(f"PRICEWRIGHT_NOTIFY_{name}", value)
        settings.cache_clear()

    yield say
    monkeypatch.undo()
    settings.cache_clear()


def done_job(error=None):
    with begin() as session:
        job_id = a_job(session, a_dataset(session))
        session.execute(
            text("UPDATE jobs SET state = :s, error = :e, finished_at = now() WHERE id = :j"),
            {"s": "failed" if error else "done", "e": error, "j": job_id},
        )
    return job_id


def due_again():
    with begin() as session:
        session.execute(text("UPDATE events SET next_try_at = now()"))


def test_a_finished_job_is_told_once_with_a_signature(say):
    with a_webhook() as (url, told):
        say(WEBHOOKS=url, SECRET="a secret")
        job_id = done_job()
        for _ in range(3):
            actions.work()
    ((headers, content),) = told
    body = json.loads(content)
    assert body["event"] == "job-done"
    assert body["facts"]["job"] == job_id
    assert f"Job {job_id}" in body["text"]
    stamp = headers["X-Pricewright-Timestamp"]
    expected = hmac.new(b"a secret", f"{stamp}.".encode() + content, hashlib.sha256).hexdigest()
    assert headers["X-Pricewright-Signature"] == f"sha256={expected}"
    assert headers["X-Pricewright-Event"] == str(body["id"])


def test_who_was_away_is_told_later_and_the_others_not_twice(say):
    with a_webhook([500]) as (url, told), a_webhook() as (other, told_too):
        say(WEBHOOKS=f"{url} {other}")
        done_job("The endpoint is gone.")
        actions.work()
        (first,) = actions.latest()
        assert "answered 500" in first["error"]
        assert "hidden" not in str(first)  # addresses of webhooks have tokens in them
        actions.work()
        assert len(told) == 1  # not at once
        due_again()
        actions.work()
        assert (len(told), len(told_too)) == (2, 1)
        (first,) = actions.latest()
        assert first["closed_at"]
        assert first["error"] is None
    assert json.loads(told[0][1])["id"] == json.loads(told[1][1])["id"]


def test_a_redirect_is_not_followed(say):
    with a_webhook([302]) as (url, told):
        say(WEBHOOKS=url)
        assert actions.send_test().wrong
        assert len(told) == 1


def test_one_that_is_never_there_is_given_up(say):
    say(WEBHOOKS="http://127.0.0.1:1/")
    done_job()
    for _ in range(events.MOST_TRIES):
        actions.work()
        due_again()
    (event,) = actions.latest()
    assert event["tries"] == events.MOST_TRIES
    assert event["closed_at"]


def test_what_happened_while_nobody_was_to_be_told_is_not_told_later(say):
    done_job()
    actions.work()
    with a_webhook() as (url, told):
        say(WEBHOOKS=url)
        actions.work()
        assert told == []
        assert len(actions.latest()) == 1


def test_only_what_is_wanted_is_told(say):
    with a_webhook() as (url, told):
        say(WEBHOOKS=url, OF="cap-reached, promise-broken")
        done_job()
        with begin() as session:
            job_id = a_job(session, a_dataset(session))
            jobs.set_cap(session, job_id, Decimal(5))
            jobs.pause(session, job_id, "The cap of $5.00 is reached: resume with a higher cap to go on.")
        for _ in range(2):
            actions.work()
    ((_, content),) = told
    assert json.loads(content)["event"] == "cap-reached"
    assert "The cap of $5.00" in json.loads(content)["text"]


def test_a_higher_cap_that_is_reached_is_another_thing(say):
    with begin() as session:
        job_id = a_job(session, a_dataset(session))
        jobs.set_cap(session, job_id, Decimal(5))
        jobs.pause(session, job_id, "The cap of $5.00 is reached.")
    assert occasions.note_new() == 1
    assert occasions.note_new() == 0
    with begin() as session:
        jobs.set_state(session, job_id, JobState.RUNNING, among=[JobState.PAUSED])
        jobs.set_cap(session, job_id, Decimal(6))
        jobs.pause(session, job_id, "The cap of $6.00 is reached.")
    assert occasions.note_new() == 1


def test_a_base_whose_schedule_is_not_kept_is_stale(say):
    with begin() as session:
        dataset_id = a_dataset(session)
        session.execute(
            text(
                """INSERT INTO knowledge_bases (dataset_id, signature, refreshed_at, refresh_seconds)
                   VALUES (:d, 'm', now() - interval '3 hours', 3600)"""
            ),
            {"d": dataset_id},
        )
    assert occasions.note_new() == 1
    (event,) = actions.latest()
    assert event["kind"] == "knowledge-stale"
    assert "was to be refreshed every" in event["sentence"]


def test_mail_arrives(say):
    class Inbox:
        def __init__(self):
            self.mail = []

        async def handle_DATA(self, server, session, envelope):
            self.mail.append(envelope)
            return "250 OK"

    inbox = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        say(SMTP=f"smtp://127.0.0.1:{port}", FROM="pricewright@example.org", TO="ann@example.org, bob@example.org")
        assert actions.send_test().told == ["mail to 2"]
        job_id = done_job("Nothing\nworks.")
        actions.work()
        say(SMTP=f"smtp://ann:word@127.0.0.1:{port}")
        assert "no TLS" in actions.send_test().wrong[0]
    finally:
        controller.stop()
    test, failed = inbox.mail
    assert failed.rcpt_tos == ["ann@example.org", "bob@example.org"]
    assert b"This is a test" in test.content
    assert f"Job {job_id}".encode() in failed.content
    assert b"Subject: Pricewright: Job" in failed.content


def test_settings_that_do_not_suffice_are_one_sentence(say):
    with pytest.raises(UserError, match="NOTIFY_WEBHOOKS"):
        actions.send_test()
    say(SMTP="smtp://mail.example.org")
    with pytest.raises(UserError, match="NOTIFY_FROM"):
        channels.all_of(settings())
    actions.work()  # the schedule goes on
    say(OF="everything")
    with pytest.raises(UserError, match="there are: job-done"):
        actions.told_of(settings())


def test_an_event_goes_with_its_dataset(say):
    with begin() as session:
        dataset_id = a_dataset(session)
        events.add(session, Event(EventKind.JOB_DONE, "a", "Job 1 of a table is done.", {}, dataset_id))
        session.execute(text("DELETE FROM datasets WHERE id = :d"), {"d": dataset_id})
        assert events.latest(session, 9) == []
