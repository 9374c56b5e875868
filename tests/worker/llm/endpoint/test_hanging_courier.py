"""A courier that says nothing any more is killed, so that another one can take over."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from worker.llm.endpoint import client


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    with suppress(BrokenPipeError):
        process.stdin.close()


def test_a_courier_that_is_silent_for_long_is_killed_and_one_that_spoke_or_just_started_is_not(process):
    courier = client._Courier(process)
    courier.kill_if_it_hangs()  # it may still be starting
    courier.heard_at = time.monotonic() - client.SILENT_SECONDS / 2
    courier.kill_if_it_hangs()
    assert process.poll() is None
    courier.heard_at = time.monotonic() - client.SILENT_SECONDS - 1
    courier.kill_if_it_hangs()
    assert process.wait(20) == -9


def test_what_it_says_to_show_that_it_goes_on_is_no_answer(process):
    courier = client._Courier(process)
    before = courier.heard_at = 0.0
    courier.say({})
    courier.say({"hash": "a"})
    courier.flush()
    process.stdin.close()
    courier.listen()  # cat says what it was told
    assert [courier.heard.get_nowait(), courier.heard.get_nowait()] == [{"hash": "a"}, None]
    assert courier.heard_at > before
