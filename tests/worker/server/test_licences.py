"""Every package that is installed is listed with its licence."""

from importlib.metadata import distributions

from worker.server.licences import listed


def test_every_package_is_there_once_with_a_licence() -> None:
    rows = list(listed())
    names = [name for name, _, _ in rows]
    assert len(names) == len(set(names))
    assert set(names) == {str(each.metadata["Name"]) for each in distributions() if each.metadata["Name"]}
    told = {name.lower(): licence for name, _, licence in rows}
    assert "Apache" in told["streamlit"]
    assert "BSD" in told["celery"]
    assert sum(licence != "not said" for licence in told.values()) > 0.9 * len(told)
