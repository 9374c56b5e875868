"""A prompt's name, which always means the prompt it meant."""

import pytest

from db import prompts
from db.engine import Session
from db.errors import NotFound, UserError
from worker.prompts import versions
from worker.prompts.builtin import BUILT_IN
from worker.specs import ChainedSpec, RidgeSpec, ZeroShotSpec


def test_a_bare_name_is_its_newest_version_and_old_ones_stay(session: Session) -> None:
    assert versions.resolve(session, "listing") == BUILT_IN["listing"]
    assert prompts.save(session, "listing", "", "{{ product }} $", after=1) == 2
    assert versions.resolve(session, "listing").ref == "listing@2"
    assert versions.resolve(session, "listing@1") == BUILT_IN["listing"]
    assert [p.ref for p in versions.all_versions(session) if p.name == "listing"] == ["listing@2", "listing@1"]


@pytest.mark.parametrize("ref", ["nothing", "listing@7", "question@0"])
def test_what_is_not_there_is_said(session: Session, ref: str) -> None:
    with pytest.raises(NotFound, match="there are extract, listing, question"):
        versions.resolve(session, ref)


@pytest.mark.parametrize("ref", ["", "Listing", "a b", "listing@", "listing@x", "@1", "auto", "../x", "a" * 70])
def test_what_is_no_name_is_refused(session: Session, ref: str) -> None:
    with pytest.raises(UserError, match="names no prompt"):
        versions.resolve(session, ref)


def test_pinning_names_every_prompt_a_spec_uses_with_its_version(session: Session) -> None:
    prompts.save(session, "listing", "", "{{ product }} $", after=1)
    pinned = versions.pin(session, ChainedSpec())
    assert pinned.model_dump()["prompt"] == "listing@2"
    assert pinned.model_dump()["extract_prompt"] == "extract@1"
    assert versions.pin(session, pinned) == pinned
    assert versions.pin(session, ZeroShotSpec(model="cloud:gpt")).model_dump()["prompt"] == "question@1"
    assert versions.pin(session, RidgeSpec()) == RidgeSpec()
    with pytest.raises(NotFound):
        versions.pin(session, ZeroShotSpec(prompt="mine"))


def test_a_difference_shows_both_versions_and_the_system_message(session: Session) -> None:
    for system in ("Be exact.", "Be kind."):
        prompts.save(session, "mine", system, "{{ product }}\nPrice: $")
    old, new = (versions.resolve(session, f"mine@{version}") for version in (1, 2))
    assert versions.difference(old, new).splitlines() == [
        "--- mine@1",
        "+++ mine@2",
        "@@ -1,3 +1,3 @@",
        "-system: Be exact.",
        "+system: Be kind.",
        " {{ product }}",
        " Price: $",
    ]
    assert versions.difference(old, old) == ""
