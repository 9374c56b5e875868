"""Settings that can't be are one sentence and exit code 1, before anything is started."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from db.errors import InvalidSetting
from db.settings import settings

WRONG = {
    "DASHBOARD_PORT": ("99999", "is '99999' and should be less than or equal to 65535"),
    "WORKER_CONCURRENCY": ("-3", "is '-3' and should be greater than or equal to 1"),
    "SWEEP_SECONDS": ("often", "is 'often' and should be a whole number"),
    "LEASE_SECONDS": ("0", "should be greater than or equal to 2"),
    "CONFIDENCE": ("nan", "should be a finite number"),
    "WATCH_SECONDS": ("inf", "should be a finite number"),
    "CPU_USD_PER_HOUR": ("cheap", "should be a number"),
    "GPU_USD_PER_HOUR": ("NaN", "should be a finite number"),
    "DEVICE": ("gpu", "should be 'auto', 'cpu' or 'cuda'"),
    "ALLOW_OPEN": ("maybe", "should be yes or no"),
    "HEALTH_PORT": ("-1", "should be greater than or equal to 0"),
    "LOG_FORMAT": ("xml", "should be 'text' or 'json'"),
    "OTLP_ENDPOINT": ("collector:4318", "Where traces go"),
    "KEEP_JOBS_DAYS": ("a week", "should be a whole number"),
    "NOTIFY_WEBHOOKS": ("ftp://x", "told of finished jobs"),
    "NOTIFY_SMTP": ("mail.example.org", "smtp://"),
    "BROKER_URL": ("localhost:6379", "as redis://"),
}


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_told_with_its_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, sentence = WRONG[name]
    monkeypatch.setenv(f"PRICEWRIGHT_{name}", value)
    with pytest.raises(InvalidSetting) as caught:
        settings()
    assert str(caught.value).startswith(f"PRICEWRIGHT_{name} ")
    assert sentence in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_password_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICEWRIGHT_DATABASE_URL", "mysql://me:s3cret@host/x")
    with pytest.raises(InvalidSetting) as caught:
        settings()
    assert "s3cret" not in str(caught.value)


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICEWRIGHT_DASHBOARD_PORT", "0")
    monkeypatch.setenv("PRICEWRIGHT_DEMO_ROWS", "0")
    with pytest.raises(InvalidSetting, match="DASHBOARD_PORT.*; PRICEWRIGHT_DEMO_ROWS"):
        settings()


@pytest.mark.stack
def test_the_command_ends_with_the_sentence_and_nothing_else() -> None:
    environment = os.environ | {"PRICEWRIGHT_DASHBOARD_PORT": "99999"}
    command = [sys.executable, "-m", "worker.cli", "up"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "PRICEWRIGHT_DASHBOARD_PORT is '99999' and should be less than or equal to 65535.\n"
