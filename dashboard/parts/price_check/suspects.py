"""The ranked list of suspect prices with a decision for each, and the new version that follows."""

from typing import Any

import streamlit as st

from dashboard.parts.price_check import reads as price_check_reads
from dashboard.shared import formats, navigation, widgets, words
from db.job_results import PriceCheckResult, PriceSuspect
from db.price_decisions import ACCEPT, DROP, FIX
from db.types import Dataset, MadeBy, Verb
from worker.evaluation.price_suspects import REASONS
from worker.price_check import actions

SHOWN = 20  # suspects of a page

_DECIDED = {ACCEPT: "accepted", FIX: "fixed", DROP: "dropped"}


def show(dataset: Dataset, result: PriceCheckResult) -> None:
    """The list and the decisions about it."""
    decided = price_check_reads.decisions(dataset.id)
    st.caption(
        f"{formats.count(len(result.suspects), 'price')} of {result.checked:,} train and validation prices, those that "
        "the guesses of ridge regression and of similar items contradict most. Neither saw the price that it judges. "
        "Being on the list is no proof: rare and dear items stand here too. Test rows are left out, they measure."
    )
    pages = -(-len(result.suspects) // SHOWN)
    page = 1 if pages < 2 else st.pagination(pages) if hasattr(st, "pagination") else st.number_input("Page", 1, pages)
    for suspect in result.suspects[(page - 1) * SHOWN : page * SHOWN]:
        _line(dataset, suspect, decided.get(suspect.row))


def _line(dataset: Dataset, suspect: PriceSuspect, decided: tuple[str, float | None] | None) -> None:
    with st.container(border=True):
        left, middle, right = st.columns([3, 2, 2.2], vertical_alignment="center")
        left.markdown(f"**{words.plain(suspect.title)}**")
        left.caption(
            words.plain(f"Row {suspect.row:,} · {suspect.category}" if suspect.category else f"Row {suspect.row:,}")
        )
        known, likely = formats.price(suspect.price), formats.price(suspect.likely)
        middle.markdown(words.md(f"{known}, perhaps meant **{likely}**"))
        other = f" (row {suspect.other:,})" if suspect.other is not None else ""
        middle.caption(f"If it is wrong: {REASONS[suspect.reason]}{other}. Suspicion {suspect.score:.1f}.")
        if decided:
            what, price = decided
            said = f"{_DECIDED[what]}: {formats.price(price)}" if what == FIX else _DECIDED[what]
            right.markdown(words.md(f":material/check: {said}"))
            key = f"price-undo-{dataset.id}-{suspect.row}"
            if right.button("Undo", key=key, icon=":material/undo:", **widgets.allowed(Verb.DECIDE_PRICE, dataset)):
                _decide(dataset, suspect.row, "")
            return

        def may(about: str) -> dict[str, Any]:
            return widgets.allowed(Verb.DECIDE_PRICE, dataset, about=about)

        with right.container(horizontal=True):
            if st.button("Accept", key=f"price-accept-{dataset.id}-{suspect.row}", **may("The price is right.")):
                _decide(dataset, suspect.row, ACCEPT)
            if st.button("Fix", key=f"price-fix-{dataset.id}-{suspect.row}", **may(words.md(f"Make it {likely}."))):
                _decide(dataset, suspect.row, FIX, suspect.likely)
            if st.button("Drop", key=f"price-drop-{dataset.id}-{suspect.row}", **may("Leave the row out.")):
                _decide(dataset, suspect.row, DROP)


def _decide(dataset: Dataset, row: int, decision: str, price: float | None = None) -> None:
    actions.decide(dataset.id, row, decision, price)
    st.rerun()


def version(dataset: Dataset) -> None:
    """The button that makes a new version of the decisions, and the way to it."""
    decided = [what for what, _ in price_check_reads.decisions(dataset.id).values() if what != ACCEPT]
    with st.container(horizontal=True, vertical_alignment="center"):
        may = widgets.allowed(Verb.MAKE_VERSION, disabled=not decided)
        if st.button("Make a new version", icon=":material/difference:", type="primary", **may):
            made = actions.make_version(dataset.id)
            actions.run_both(made)
            navigation.choose(made)
            st.rerun()
        st.markdown(
            f"{formats.count(len(decided), 'price')} fixed or dropped. The new version is a dataset of its own with "
            "the same test rows; this one stays as it is.",
            width="content",
        )
    for each in price_check_reads.versions(dataset.id):
        st.caption(words.plain(f"Made from this one: dataset {each.id}, {each.name}"))


def gain(dataset: Dataset) -> None:
    """What curation gained, on a dataset that is a version of another one."""
    if dataset.made_from is None or dataset.made_by is not MadeBy.DECISIONS:
        return
    about = f"This is a version of dataset {dataset.made_from} with decided prices."
    job_ids = actions.ran(dataset.id)
    if not job_ids:
        st.info(f"{about} What it gained was not measured yet.", icon=":material/difference:")
        if st.button("Measure what it gained", icon=":material/play_arrow:", **widgets.allowed(Verb.START_JOB)):
            actions.run_both(dataset.id)
            st.rerun()
        return
    column = widgets.weights_column(dataset)
    if said := actions.gain(job_ids, weighted=bool(column)):
        st.info(
            words.md(f"{about} {words.plain(said)} Both were learned by ridge regression."),
            icon=":material/difference:",
        )
    else:
        st.info(f"{about} What it gained is being measured; see Jobs.", icon=":material/hourglass_top:")
