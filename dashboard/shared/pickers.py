"""The choice among things of the database, by labels, each of which belongs to one id alone.

Streamlit's lists send the label of what is chosen, not its place: of two that are alike only one can be chosen, and a
label that has changed since is nothing at all. So labels are made unique here, and the choice is told anew when they
change.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.shared import labels

Id = TypeVar("Id", int, str)


def one(
    label: str,
    names: Mapping[Id, str],
    *,
    key: str,
    first: Id | None = None,
    made: Mapping[Id, datetime] | None = None,
    place: DeltaGenerator | None = None,
    **options: Any,
) -> Id:
    """The id that is chosen among `names` (id -> name); `first` to begin with, else the first of them.

    What is chosen stands in the session under `key`, which may be set there before.
    """
    known = labels.unique(names, made)
    chosen = st.session_state.get(key)
    if chosen not in known:
        chosen = first if first in known else next(iter(known), None)
    _tell(key, known, chosen)
    return (place or st).selectbox(label, list(known), format_func=known.__getitem__, key=key, **options)  # type: ignore[no-any-return]


def several(
    label: str,
    names: Mapping[Id, str],
    *,
    key: str,
    first: Sequence[Id] = (),
    made: Mapping[Id, datetime] | None = None,
    **options: Any,
) -> list[Id]:
    """The ids that are chosen among `names`; `first` to begin with."""
    known = labels.unique(names, made)
    _tell(key, known, [each for each in st.session_state.get(key, first) if each in known])
    return st.multiselect(label, list(known), format_func=known.__getitem__, key=key, **options)


def _tell(key: str, known: Mapping[Id, str], chosen: Any) -> None:
    """Put the choice into the session where it is not there, or where the browser knows it by a label of before."""
    labels_key = f"{key} labels"
    if st.session_state.get(key) != chosen or st.session_state.get(labels_key) != known:
        st.session_state[key] = chosen
    st.session_state[labels_key] = dict(known)
