"""One test server for all tests of a file, fresh for each, and the SDK that talks to it."""

from collections.abc import Iterator

import openai
import pytest

from tests.fake_openai.server import Handle, endpoint


@pytest.fixture(scope="module")
def running() -> Iterator[Handle]:
    with endpoint() as handle:
        yield handle


@pytest.fixture
def server(running: Handle) -> Handle:
    running.reset()
    return running


@pytest.fixture
def client(server: Handle) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0) as client:
        yield client
