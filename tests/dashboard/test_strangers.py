"""A stranger who has the numbers of what is another's: no page shows any of it, whatever was read and cached before."""

import pytest

from dashboard.shared import sign_in
from db import acting, datasets
from db.engine import begin
from db.types import Person, Role
from tests.builders import a_dataset
from tests.dashboard.conftest import APP, Open, is_well, texts
from tests.dashboard.priced import a_priced_dataset

ANNA, BEN = Person("anna", Role.ANALYST), Person("ben", Role.ANALYST)
TOGETHER = 7
"""Pages that one test opens; what a database takes to make is then paid once for them."""

PAGES = sorted(path.stem for path in (APP.parent / "app_pages").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("pages", [PAGES[start : start + TOGETHER] for start in range(0, len(PAGES), TOGETHER)])
def test_no_page_shows_a_stranger_anything(open_page: Open, monkeypatch: pytest.MonkeyPatch, pages: list[str]) -> None:
    with acting.acting_as(ANNA), begin() as session:
        hers = a_dataset(session, 60, name="Secret prices")
    with acting.acting_as(BEN), begin() as session:
        a_dataset(session, 60, name="Ordinary prices")
    with begin() as session:
        jobs = a_priced_dataset(session, hers, ("constant", "ridge"))
        assert datasets.get(session, hers).owner == "anna"
    address = {"dataset": str(hers), "job": str(jobs[0]), "pricer": "1", "file": str(hers)}
    for page in pages:
        monkeypatch.setattr(sign_in, "person", lambda: ANNA)
        for picker in open_page(page, **address).selectbox:
            if picker.label == "Dataset":
                assert "Secret" in str(picker.options), page
        monkeypatch.setattr(sign_in, "person", lambda: BEN)
        at = open_page(page, **address)
        assert is_well(at), page
        assert "Secret" not in texts(at), page
        assert all("Secret" not in str(each.options) for each in at.selectbox), page
        if at.selectbox and any(each.label == "Dataset" for each in at.selectbox):
            assert f"There is no dataset {hers}; this is another one." in texts(at).replace("\\", ""), page
