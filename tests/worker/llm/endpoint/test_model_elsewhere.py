"""We get along with a server that we did not write: `transformers serve`, which ignores much without a word."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import endpoints
from db.engine import begin
from tests.worker.llm.endpoint.calls import Watched, some
from worker.endpoints import actions
from worker.llm.base import Readout
from worker.llm.endpoint import client
from worker.llm.endpoint.model import PaidModel
from worker.llm.local.packages import is_available, model_folder

pytestmark = [pytest.mark.stack, pytest.mark.model]  # its calls are sent by a courier

MODEL = "smollm2-135m"
SECONDS_TO_START = 120


@pytest.fixture
def served(database: str, tmp_path: Path) -> Iterator[str]:
    """The base URL of a running `transformers serve` with the packaged model."""
    if not is_available(MODEL):
        pytest.skip(f"{MODEL} is not installed")
    folder = model_folder(MODEL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    hub = tmp_path / "hub"
    hub.mkdir()  # without the folder of a hub cache, /v1/models answers with status 500
    command = Path(sys.executable).with_name("transformers")
    log = tmp_path / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [command, "serve", folder, "--device", "cpu", "--port", str(port)], stdout=out, stderr=out,
            env=os.environ | {"HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1"},
        )  # fmt: skip
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not _is_up(port):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.skip("transformers serve does not start here: " + log.read_text(errors="replace")[-300:])
            time.sleep(0.3)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        client.stop()
        server.terminate()
        server.wait()


def _is_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def test_what_it_ignores_is_noticed_and_its_words_are_read(served):
    name = str(model_folder(MODEL))
    actions.add("t", "vllm", base_url=served)
    tested = actions.test("t", name)
    readings = PaidModel(f"t:{name}").price(some(3), Readout(), Watched())

    assert tested.ok, tested.sentences
    said = " ".join(tested.sentences)
    assert said.count("ignores") >= 2, said
    with begin() as session:
        abilities = endpoints.get(session, "t").model(name).abilities
    assert (abilities["logprobs"], abilities["json_schema"]) == (False, False)
    for reading in readings:
        assert reading.error is None
        assert reading.evidence["answer"]
        assert "logprobs" in reading.evidence["ignored"]
        assert reading.spent.usd == 0
        assert reading.spent.tokens_in > 0
