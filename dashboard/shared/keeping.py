"""Names, notes and the archive, alike for all that people keep."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import streamlit as st

from dashboard.shared import navigation, widgets
from db.types import Verb


@dataclass(frozen=True, slots=True)
class Verbs:
    """What can be done to one thing by its number or, where that is fixed, by its name."""

    rename: Callable[[Any, str], object] | None
    describe: Callable[[Any, str], object] | None
    archive: Callable[[Any], object]
    restore: Callable[[Any], object]


Rights = Mapping[str, Mapping[str, Any]]


def rights(of: object, change: Verb, archive: Verb, restore: Verb) -> Rights:
    """What whoever looks may do to a thing, by the label of the button."""
    about = "Hide it from lists; nothing is deleted."
    return {
        "Save": widgets.allowed(change, of),
        "Archive": widgets.allowed(archive, of, about=about),
        "Restore": widgets.allowed(restore, of, about="Offer it again."),
    }


def form(
    kind: str, its_id: int | str, name: str, description: str, archived_at: datetime | None, verbs: Verbs, may: Rights
) -> None:
    """Name and note of a thing to change, and the button that archives it or offers it again."""
    if verbs.describe is not None:
        with st.form(f"keep-{kind}-{its_id}", border=False):
            new = name if verbs.rename is None else st.text_input("Name", name, key=f"name-of-{kind}-{its_id}")
            note = st.text_area("Description", description, key=f"note-of-{kind}-{its_id}", height=80)
            if st.form_submit_button("Save", icon=":material/save:", **may["Save"]):
                if verbs.rename is not None and new != name:
                    verbs.rename(its_id, new)
                verbs.describe(its_id, note)
                st.rerun()
    label, icon, verb = (
        ("Restore", ":material/unarchive:", verbs.restore)
        if archived_at
        else ("Archive", ":material/archive:", verbs.archive)
    )
    if st.button(label, icon=icon, key=f"{label.lower()}-{kind}-{its_id}", **may[label]):
        verb(its_id)
        st.rerun()


def archived_toggle() -> None:
    """Whether archived things are shown, on all pages of this session."""
    st.toggle("Show archived", key=navigation.ARCHIVED, persist_state="session")
