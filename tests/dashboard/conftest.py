"""Pages without a browser: Streamlit's AppTest on the real database."""

import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner, require_widgets_deltas

from db.engine import begin
from tests.builders import a_dataset
from tests.dashboard.priced import a_priced_dataset
from tests.databases import Emptied
from tests.money import dollars

__all__ = ["dollars"]

APP = Path(__file__).resolve().parents[2] / "dashboard" / "app.py"

Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def as_served() -> Iterator[None]:
    """An AppTest does once per page what a server does once; that took longer than the pages themselves: it looks for
    components in all that is installed, compiles the page, and counts what it uses, which our server is told not to.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        compiled = ScriptCache()
        patch.setattr(local_script_runner, "ScriptCache", lambda: compiled)
        patch.setattr(local_script_runner, "require_widgets_deltas", _wait)
        config.set_option("browser.gatherUsageStats", False)
        yield


def _wait(runner: LocalScriptRunner, timeout: float) -> None:
    """Wait for a page's thread, instead of looking at it a thousand times a second."""
    began = time.monotonic()
    if runner._script_thread:
        runner._script_thread.join(timeout)
    # What the time is over for fails here; a moment is left to a page that ended just in time.
    require_widgets_deltas(runner, max(0.1, timeout - (time.monotonic() - began)))


@pytest.fixture
def open_page(database: str, as_served: None) -> Iterator[Open]:
    """open_page("jobs", dataset="1") runs a page on the test's own database."""

    def opened(name: str, **address: str) -> AppTest:
        at = AppTest.from_file(APP, default_timeout=60)
        at.query_params.update(address)
        return at.switch_page(f"app_pages/{name}.py").run()

    _forget()  # ids start at 1 in every test's database
    yield opened
    _forget()


def _forget() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def texts(at: AppTest) -> str:
    """Everything a page says, as one text."""
    kinds = (at.title, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error, at.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def is_well(at: AppTest) -> bool:
    """No traceback and no error told."""
    return not at.exception and not at.error


@pytest.fixture
def priced(database: str, emptied: Emptied) -> int:
    """A dataset of 200 items whose 20 test rows were priced by every technique, and 10 items without a price."""
    return emptied.remembered(_a_priced_one)


def _a_priced_one() -> int:
    with begin() as session:
        dataset_id = a_dataset(session, 200, unpriced=10)
        a_priced_dataset(session, dataset_id)
    return dataset_id


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]
