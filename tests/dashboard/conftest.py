"""Pages without a browser: Streamlit's AppTest on the real database."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from db.engine import begin
from tests.builders import a_dataset
from tests.dashboard.priced import a_priced_dataset
from tests.money import dollars

__all__ = ["dollars"]

APP = Path(__file__).resolve().parents[2] / "dashboard" / "app.py"

Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def _components() -> Iterator[None]:
    """Streamlit looks for components in all that is installed once per AppTest, which took longer than the pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture
def open_page(database: str) -> Iterator[Open]:
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
def priced(database: str) -> int:
    """A dataset of 200 items whose 20 test rows were priced by every technique, and 10 items without a price."""
    with begin() as session:
        dataset_id = a_dataset(session, 200, unpriced=10)
        a_priced_dataset(session, dataset_id)
    return dataset_id


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]
