"""The Storage page shows what takes space and frees it; the Notifications page shows what people were told."""

from db import datasets, events
from db.engine import begin
from db.events import Event, EventKind
from db.settings import settings
from tests.builders import a_dataset
from tests.dashboard.conftest import Open, is_well, labels, texts
from worker.telemetry import metrics


def test_space_is_shown_and_freed(open_page: Open, database: str) -> None:
    with begin() as session:
        dataset_id = a_dataset(session)
        name = datasets.get(session, dataset_id).name
    left = settings().scratch_dir / "job-99999-abc"
    left.mkdir(parents=True)
    (left / "part").write_bytes(b"x" * 5_000)
    at = open_page("storage")
    assert is_well(at)
    kinds, largest = (each.value for each in at.dataframe)
    assert "Uploaded files" in set(kinds["What"])
    assert name in set(largest["Name"])
    at.selectbox(key="free-kind").select("scratch").run()
    at.button(key="free").click().run()
    assert is_well(at)
    assert "1 thing gone, 5 kB of files." in [each.value for each in at.success]
    assert not left.exists()
    assert metrics.REGISTRY.get_sample_value("pricewright_page_seconds_count", {"page": "Storage"}) >= 3


def test_what_happened_is_shown_and_who_is_told(open_page: Open, database: str) -> None:
    at = open_page("notifications")
    assert is_well(at)
    assert "Nobody is told anything yet" in texts(at)
    assert "Send a test" not in labels(at)
    with begin() as session:
        events.add(session, Event(EventKind.JOB_DONE, "a", "Job 1 of a table is done.", {}))
    at = open_page("notifications")
    assert is_well(at)
    assert list(at.dataframe[0].value["What"]) == ["Job 1 of a table is done."]
