"""A small model that trains within seconds."""

from pathlib import Path

import pytest

from tests.worker.llm.small import a_model_folder


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_model_folder(tmp_path_factory.mktemp("models") / "small")
