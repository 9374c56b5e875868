"""What is in a loaded dataset: counts, prices, texts, duplicates, sides of the split, rejects."""

from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.data import charts, currency
from dashboard.parts.data import reads as data_reads
from dashboard.shared import formats, keeping, navigation, reads, widgets, words
from db.types import Dataset, DatasetState, MadeBy, Queue, Split, Verb
from worker.datasets import actions, dependents, division, mended, quantities, versions, weights
from worker.datasets import money as money_of_datasets

SHOWN = 1_000
"""Lines of a table on the page; what is left out is in the download, and the page says so."""


def counts(dataset: Dataset) -> None:
    """The few figures that say what this is."""
    profile = dataset.profile
    figures = [
        ("Rows in the file", f"{dataset.rows_in:,}", "Data lines, without the header."),
        ("Items", f"{dataset.items:,}", "Rows that can be used. Rows = items + rejects, always."),
        ("Rejects", f"{dataset.rejects:,}", "Rows that can't be used; each is kept with its reason."),
        ("Median price", formats.price(profile.get("price", {}).get("quantiles", {}).get("0.5")), "Half cost less."),
        (
            "Near-duplicates",
            f"{profile.get('duplicates', {}).get('items', 0):,}",
            "Items with a near twin in the table.",
        ),
    ]
    for place, (label, value, about) in zip(st.columns(len(figures)), figures, strict=True):
        place.metric(label, value, help=about, border=True)


def lineage(dataset: Dataset) -> None:
    """What this dataset was made from and what changed on the way; and what was made from it."""
    known = {each.id: each for each in reads.datasets(archived=True)}
    if dataset.made_by is not None:
        parent = known.get(dataset.made_from or 0)
        of = f"dataset {parent.id}, {parent.name}" if parent else "a dataset that was deleted"
        how = " with decided prices" if dataset.made_by is MadeBy.DECISIONS else ""
        _related(f"A version of {of}{how}: {versions.told(dataset.changes)}.", parent)
    for each in data_reads.versions(dataset.id):
        if each.state is DatasetState.READY:
            _related(f"Newer version: dataset {each.id}, {each.name}: {versions.told(each.changes)}.", each)


def _related(sentence: str, other: Dataset | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/difference: {words.plain(sentence)}", width="content")
        if other and st.button(
            "Open", key=f"open-dataset-{other.id}", type="tertiary", icon=":material/arrow_forward:"
        ):
            navigation.choose(other.id)
            st.rerun()


def profile(dataset: Dataset) -> None:
    for sentence in mended.told(dataset):
        st.warning(words.plain(sentence), icon=":material/build:")
    _doubts_of_sides(dataset)
    price = dataset.profile.get("price", {})
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Prices", anchor=False)
        if price.get("count"):
            histogram = price["histogram"]
            widgets.chart(charts.price_histogram(histogram["edges"], histogram["counts"]), "prices")
            low, quarter, three_quarters, high = (
                formats.price(price["quantiles"][q]) for q in ("0.0", "0.25", "0.75", "1.0")
            )
            priced = formats.count(price["count"], "item")
            st.caption(
                words.md(
                    f"{priced} with a price, from {low} to {high}; half of them cost {quarter} to {three_quarters}."
                )
            )
        else:
            st.info("No row has a price: they can be priced, but errors can't be measured.", icon=":material/sell:")
        for note in money_of_datasets.notes(dataset):
            st.caption(words.plain(note))
    with right:
        st.subheader("Fields", anchor=False)
        widgets.table(fields(dataset), column_config=_FIELD_COLUMNS)
        if said := quantities.told(dataset):
            st.caption(words.plain(said))
        if without := weights.gaps(dataset):
            st.warning(words.plain(without), icon=":material/balance:")
        groups = dataset.profile.get("duplicates", {})
        if groups.get("groups"):
            twins, sets = formats.count(groups["items"], "item"), formats.count(groups["groups"], "group")
            st.caption(
                f"{twins} in {sets} of near-duplicates (the largest has {groups['largest']:,}). "
                + ("" if division.facts(dataset) else "A group is always on one side of the split.")
            )
    tops = [("Largest categories", "categories"), ("Most frequent brands", "brands")]
    for place, (title, key) in zip(st.columns(2, gap="large"), tops, strict=True):
        part = dataset.profile.get(key, {})
        if part.get("distinct"):
            more = "at least " if part.get("is_cut") else ""
            place.subheader(title, anchor=False)
            place.caption(f"{more}{part['distinct']:,} different ones")
            with place:
                widgets.table(pl.DataFrame(part["top"]), column_config=_TOP_COLUMNS)


_FIELD_COLUMNS: dict[str, Any] = {
    "Column": st.column_config.TextColumn(width=130),
    "filled": st.column_config.ProgressColumn("Filled in", format="percent", min_value=0, max_value=1, width=110),
    "median length": st.column_config.NumberColumn("Median length", help="Characters.", format="%d"),
    "longest": st.column_config.NumberColumn("Longest", help="Characters.", format="%d"),
}
_TOP_COLUMNS: dict[str, Any] = {"name": "Name", "items": st.column_config.NumberColumn("Items", format="localized")}


def fields(dataset: Dataset) -> pl.DataFrame:
    """field, column of the file, share filled in, median and longest length in characters."""
    missing, lengths = dataset.profile.get("missing", {}), dataset.profile.get("lengths", {})
    lines = []
    for field, label in words.FIELDS.items():
        gaps = missing.get("external_id" if field == "id" else field, dataset.items)
        lines.append(
            {
                "Field": label.removesuffix(" (needed)"),
                "Column": dataset.mapping.get(field, formats.NOTHING),
                "filled": 1 - gaps / dataset.items if dataset.items else 0.0,
                "median length": lengths.get(field, {}).get("0.5"),
                "longest": lengths.get(field, {}).get("1.0"),
            }
        )
    return pl.DataFrame(lines, schema_overrides={"median length": pl.Int64, "longest": pl.Int64})


def splits(dataset: Dataset) -> None:
    if told := division.facts(dataset):
        st.markdown(words.plain(" ".join(told)))
    else:
        st.caption("Near-duplicates are never on two sides, and the division is the same every time.")
    _doubts_of_sides(dataset)
    widgets.chart(charts.split_bar(dataset.splits), "sides")
    for place, (side, (label, about)) in zip(st.columns(len(words.SPLITS)), words.SPLITS.items(), strict=True):
        place.metric(label, f"{dataset.splits.get(side, 0):,}", border=True)
        place.caption(about)


def _doubts_of_sides(dataset: Dataset) -> None:
    for doubt in division.doubts(dataset):
        st.warning(words.plain(doubt), icon=":material/call_split:")


def items(dataset: Dataset) -> None:
    side = st.segmented_control(
        "Side",
        list(words.SPLITS),
        format_func=lambda key: words.SPLITS[key][0],
        key="items_side",
        help="All when none.",
    )
    frame = reads.first_items(dataset.id, Split(side) if side else None, SHOWN)
    widgets.table(frame, column_config={"price": widgets.prices("price", frame["price"])})
    if len(frame) == SHOWN:
        st.caption(f"The first {SHOWN:,} of them.")


def rejects(dataset: Dataset) -> None:
    if not dataset.rejects:
        st.success("Every row of the file became an item.", icon=":material/check:")
        return
    reasons = dataset.profile.get("reasons", {})
    if reasons:
        frame = pl.DataFrame({"Reason": list(reasons), "Rows": list(reasons.values())})
        widgets.table(frame, width="content")
    frame = data_reads.rejects(dataset.id)
    columns: dict[str, Any] = {
        "reason": "Reason",
        "line": "Line",
        "raw": st.column_config.TextColumn("As it stands in the file", width="large"),
        "count": st.column_config.NumberColumn("Lines", help="Equal lines from this one on"),
    }
    if len(frame) < dataset.rejects:
        st.caption("Equal lines that follow each other are one entry: its first line, and how many they are.")
    else:
        frame = frame.drop("count")
    widgets.table(frame.head(SHOWN), column_config=columns)
    if len(frame) > SHOWN:
        st.caption(f"The first {SHOWN:,} of {len(frame):,}; the download has all of them.")
    widgets.downloads(f"{dataset.name}-rejects", lambda: data_reads.rejects(dataset.id))


_VERBS = keeping.Verbs(actions.rename, actions.describe, actions.archive, actions.restore)


def keep(dataset: Dataset) -> None:
    """Name, note and archive of the dataset, behind a button."""
    with st.popover("Name, archive", icon=":material/edit:", key=f"keep-dataset-{dataset.id}"):
        keeping.form(
            "dataset", dataset.id, dataset.name, dataset.description, dataset.archived_at, _VERBS,
            keeping.rights(dataset, Verb.RENAME_DATASET, Verb.ARCHIVE_DATASET, Verb.RESTORE_DATASET),
        )  # fmt: skip


def money(dataset: Dataset) -> None:
    """The currency of the prices, said by a person where nothing else did."""
    if converted := actions.converted(dataset):
        parts = formats.listed([f"{count:,} from {code}" for code, count in converted.items()])
        st.caption(f":material/currency_exchange: Prices converted into {dataset.currency} by the rates: {parts}.")
    elif not dataset.currency and dataset.profile.get("price", {}).get("count"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            code = currency.choice("Nobody said in which currency these prices are", "", key=f"currency-{dataset.id}")
            may = widgets.allowed(Verb.CHANGE_DATASET, dataset, disabled=not code)
            if st.button("Save", key=f"currency-save-{dataset.id}", **may) and code:
                actions.set_currency(dataset.id, code)
                st.rerun()


def delete(dataset: Dataset) -> None:
    """A button that asks once more."""
    is_loaded = dataset.state is DatasetState.READY
    rows = formats.count(dataset.rows_in, "row") if is_loaded else f"not loaded: {words.plain(dataset.file_name)}"
    is_paid = any(job.queue is Queue.ENDPOINT for job in reads.shown_jobs(dataset.id))
    answers = "Stored answers of endpoints go too: pricing the same rows again is paid again. " if is_paid else ""
    depends = " ".join(dependents.told(actions.depending(dataset.id)))
    question = (
        f"Delete dataset {dataset.id}, **{words.plain(dataset.name)}** ({rows}, added "
        f"{formats.ago(dataset.created_at)})?\n\n{words.plain(depends)}\n\n"
        f"{answers}This can't be undone; archiving hides it and keeps everything."
    )
    may = widgets.allowed(Verb.DELETE_DATASET, dataset)
    if widgets.is_sure("Delete", question, key=f"delete-{dataset.id}", may=may):
        actions.delete_dataset(dataset.id)
        navigation.forget()
        st.rerun()


VIEWS = {"Profile": profile, "Items": items, "Sides": splits, "Rejects": rejects}
