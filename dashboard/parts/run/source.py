"""The choice on the Run page of what techniques learn from: the table's own rows, or other datasets."""

import streamlit as st

from dashboard.parts.jobs import cards
from dashboard.parts.run import reads as run_reads
from dashboard.shared import formats, pickers, widgets, words
from db.types import Dataset, DatasetState, JobKind, Split, Verb
from worker.datasets import actions as dataset_actions
from worker.sources.actions import FEW, caution

OWN, OTHERS = "own", "others"


def choose(dataset: Dataset) -> Dataset | None:
    """The dataset to learn from, which may be the table itself; None while a choice is open, and asked for."""
    possible = run_reads.possible_sources(dataset.id)
    if not possible:
        return dataset
    train = dataset.splits.get(Split.TRAIN, 0)
    proposal = run_reads.proposal(dataset.id, tuple(possible)) if train < FEW else None
    own = f"This table: {formats.count(train, 'row')} with a price to learn from"
    labels = {OWN: own, OTHERS: "Other datasets: what was learned there is used as it is, and every row here is priced"}
    where = st.radio(
        "Learn from", list(labels), index=1 if proposal else 0, format_func=labels.__getitem__,
        key=f"learn-from-{dataset.id}",
    )  # fmt: skip
    if proposal:
        st.info(words.plain(proposal.sentence(dataset)), icon=":material/lightbulb:")
    if where == OWN:
        return dataset
    first = proposal.source.id if proposal else next(iter(possible))
    names = {each.id: f"{each.name} ({each.splits[Split.TRAIN]:,} rows to learn from)" for each in possible.values()}
    chosen = pickers.several("Datasets to learn from", names, first=[first], key=f"sources-{dataset.id}")
    if not chosen:
        st.info("Choose at least one dataset to learn from.", icon=":material/arrow_upward:")
        return None
    if len(chosen) > 1:
        return _joined(chosen)
    source = possible[chosen[0]]
    if sentence := caution(source, dataset):
        st.warning(words.plain(sentence), icon=":material/warning:")
    return source


def _joined(dataset_ids: list[int]) -> Dataset | None:
    """The dataset that holds the items of all that are chosen; made when somebody asks for it, and waited for."""
    joined = run_reads.joined(dataset_ids)
    if joined is None:
        st.caption(
            "To learn from several tables they are joined once into a dataset of their own, in which a product that "
            "two of them have stands on one side."
        )
        if st.button("Join these tables", icon=":material/merge:", **widgets.allowed(Verb.JOIN_DATASETS)):
            dataset_actions.join(dataset_ids)
            st.rerun()
        return None
    if joined.state is DatasetState.LOADING:
        cards.file_work(joined.id, JobKind.LOAD)
        return None
    return joined
