"""The choice which column of a file means what, each with how sure the proposal is."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.shared import pickers, words

OPEN = "\0"  # the choice that is none yet; no column is called so
UNUSED = "(not in the file)"

RARE = ("currency", "side", "date", "weight", "quantity")
"""Fields that few files have, asked apart from those that nearly all have."""
USUAL = tuple(field for field in words.FIELDS if field not in RARE)


def ask(
    fields: Sequence[str],
    dataset_id: int,
    inspection: Mapping[str, Any],
    proposal: Mapping[str, str],
    unsure: Mapping[str, str],
) -> dict[str, str]:
    """Field -> the column chosen, "" = not in the file, OPEN = not chosen yet, where nothing sure could be proposed.

    `unsure`: field -> why its proposal is not sure.
    """
    names = {"": UNUSED} | {column: column for column in inspection["columns"]}
    # A row of places for each three fields: what is said below one must not push the next out of line.
    places = [place for _ in range(0, len(fields), 3) for place in st.columns(3)]
    chosen = {}
    for where, field in zip(places, fields, strict=False):
        proposed = proposal.get(field)
        # What is not sure is asked, so that no column is taken because nobody looked.
        asks = {OPEN: "(please choose)"} if field in unsure else {}
        chosen[field] = pickers.one(
            words.FIELDS[field], asks | names, first=OPEN if asks else proposed, key=f"map-{dataset_id}-{field}",
            place=where,
        )  # fmt: skip
        if asks:
            where.warning(words.plain(f"Please check: {unsure[field]}."), icon=":material/help:")
        elif sureness := _sureness(inspection, field, proposed):
            where.caption(words.plain(sureness))
    return chosen


def _sureness(inspection: Mapping[str, Any], field: str, column: str | None) -> str:
    """How sure it is that the proposed column is the right one, and why; "" where nothing weighed it."""
    fit = next((fit for fit in inspection.get("fits", {}).get(field, []) if fit["column"] == column), None)
    return f"{fit['level'][0].upper()}{fit['level'][1:]}: {fit['why']}." if fit else ""
