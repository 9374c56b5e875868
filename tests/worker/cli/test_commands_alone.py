"""Each group of commands as a process of its own, where nothing runs that it has not started itself."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db import engine
from db.engine import begin
from db.servers import embedded
from db.settings import Settings
from tests.builders import a_dataset, an_adapter
from tests.databases import use_database
from tests.worker.conftest import drain
from tests.worker.finetune.fake_steps import train_nothing
from tests.worker.hashed import HashedWords
from worker import app, running, specs
from worker.adapters import actions as adapter_actions
from worker.data_need import actions as data_need_actions
from worker.data_need import ways
from worker.endpoints import actions as endpoint_actions
from worker.finetune import actions as finetune_actions
from worker.knowledge import actions as knowledge_actions
from worker.knowledge import index
from worker.pricing import actions as pricing_actions
from worker.prompts import actions as prompt_actions
from worker.specs import data_need as specs_data_need
from worker.specs import finetune

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[3]
FIRST, SECOND = "c" * 64, "d" * 64
NEED = {"measured": 20, "train": specs_data_need.CHEAP.model_dump()}


class Alone:
    """A data folder in which much was done; no server runs there now."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(data_dir=home, database_url="", broker_url="")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PRICEWRIGHT_")}
        self._environment = kept | {"PYTHONPATH": str(ROOT), "PRICEWRIGHT_DATA_DIR": str(home)}

    @property
    def is_quiet(self) -> bool:
        return not any(embedded.is_running(self.settings, name) for name in embedded.names(self.settings))

    def __call__(self, *words: str) -> Any:
        """What `pricewright WORDS --json` prints."""
        assert self.is_quiet
        process = subprocess.run(
            [sys.executable, "-m", "worker.cli", *words, "--json"],
            check=False,
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert process.returncode == 0, process.stderr
        assert self.is_quiet
        return json.loads(process.stdout)


@pytest.fixture(scope="module")
def alone() -> Iterator[Alone]:
    home = Path(tempfile.mkdtemp(prefix="pricewright-alone-"))
    home.chmod(0o755)  # as root, Postgres runs as another user and must be able to enter
    alone = Alone(home)
    started = embedded.ensure(alone.settings)
    try:
        use_database(alone.settings.database)
        engine.migrate()
        with pytest.MonkeyPatch.context() as patch:
            _work(patch)
    finally:
        use_database("")
        for server in reversed(started):
            server.stop()
    yield alone
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(alone.settings.run_dir, ignore_errors=True)


def _work(patch: pytest.MonkeyPatch) -> None:
    """Everything that the commands ask for is done, so that they find it and no worker has to do it while they wait."""
    sent: list[int] = []
    for module in (app, running):
        patch.setattr(module, "send", lambda chunk_id, queue: sent.append(chunk_id))
    model = HashedWords()
    patch.setattr(index, "embedder", lambda: model)
    train_nothing(patch)
    for way in ("fine_tuned", "fitted"):
        patch.setattr(ways, way, lambda part, *_: ways.Learned(part.measured["price"].to_numpy() + 1, 0.0))
    with begin() as session:
        dataset_id = a_dataset(session, 400)
    pricing_actions.start(dataset_id, [specs.ConstantSpec()])
    finetune_actions.start(dataset_id, finetune.parse({}, "quick"))
    knowledge_actions.refresh(dataset_id)
    data_need_actions.start(dataset_id, specs_data_need.parse(NEED))
    drain(sent)
    with begin() as session:
        for adapter_id in (FIRST, SECOND):
            an_adapter(session, dataset_id, id=adapter_id, task="lamps")
    adapter_actions.promote(FIRST, "better")
    endpoint_actions.add("e", base_url="http://127.0.0.1:9/v1")
    prompt_actions.save("mine", "", "Shop: {{ product }}\nPrice: $")


def test_adapters_are_listed_shown_promoted_rolled_back_and_retired(alone: Alone) -> None:
    assert {FIRST, SECOND} < {adapter["id"] for adapter in alone("adapters", "list")}
    assert alone("adapters", "show", FIRST)["card"].startswith("---")
    told = alone("adapters", "promote", SECOND, "--why", "better", "--override", "they were not compared")
    assert (told["id"], told["state"]) == (SECOND, "production")
    assert alone("adapters", "rollback", "lamps", "--why", "worse")["id"] == FIRST
    assert alone("adapters", "retire", FIRST, "--why", "worse")["state"] == "retired"


def test_a_fine_tune_reports_its_adapter(alone: Alone) -> None:
    told = alone("finetune", "1")
    assert told["metrics"]["mae"] == 9.5
    assert told["objection"] is None


@pytest.mark.parametrize(("words", "there"), [
    (("jobs",), "state"),
    (("compare", "1"), "rows"),
    (("what-if", "1"), "crossings"),
    (("data-need", "1", "--measured", "20"), "forecasts"),
    (("knowledge", "status", "1"), "train_searchable"),
    (("endpoints", "list"), "base_url"),
    (("prompts", "preview", "mine", "--dataset", "1"), "tokens"),
])  # fmt: skip
def test_every_other_group_answers(alone: Alone, words: tuple[str, ...], there: str) -> None:
    told = alone(*words)
    assert there in (told[0] if isinstance(told, list) else told)
