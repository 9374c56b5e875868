"""Names, notes and the archive, alike for all that people keep."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import streamlit as st

from dashboard.shared import navigation


@dataclass(frozen=True, slots=True)
class Verbs:
    """What can be done to one thing by its number or, where that is fixed, by its name."""

    rename: Callable[[Any, str], object] | None
    describe: Callable[[Any, str], object] | None
    archive: Callable[[Any], object]
    restore: Callable[[Any], object]


def form(kind: str, its_id: int | str, name: str, description: str, archived_at: datetime | None, verbs: Verbs) -> None:
    """Name and note of a thing to change, and the button that archives it or offers it again."""
    if verbs.describe is not None:
        with st.form(f"keep-{kind}-{its_id}", border=False):
            new = name if verbs.rename is None else st.text_input("Name", name, key=f"name-of-{kind}-{its_id}")
            note = st.text_area("Description", description, key=f"note-of-{kind}-{its_id}", height=80)
            if st.form_submit_button("Save", icon=":material/save:"):
                if verbs.rename is not None and new != name:
                    verbs.rename(its_id, new)
                verbs.describe(its_id, note)
                st.rerun()
    label, icon, verb, about = (
        ("Restore", ":material/unarchive:", verbs.restore, "Offer it again.")
        if archived_at
        else ("Archive", ":material/archive:", verbs.archive, "Hide it from lists; nothing is deleted.")
    )
    if st.button(label, icon=icon, key=f"{label.lower()}-{kind}-{its_id}", help=about):
        verb(its_id)
        st.rerun()


def archived_toggle() -> None:
    """Whether archived things are shown, on all pages of this session."""
    st.toggle("Show archived", key=navigation.ARCHIVED, persist_state="session")
