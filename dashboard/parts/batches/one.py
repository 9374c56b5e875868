"""One batch: what came of it, its file and its rows for a person, and its real prices."""

import streamlit as st

from dashboard.parts.batches import reads as batch_reads
from dashboard.shared import formats, live, navigation, widgets, words
from db.types import BatchState, Dataset, Job, JobState, Pricer, PricerBatch, Verb
from worker.batches import actions, truth
from worker.batches.truth import Truth
from worker.datasets.answers import Answers, Sign
from worker.files import formats as file_formats
from worker.pricing import export
from worker.pricing.priced_file import actions as priced_file


def show(batch: PricerBatch) -> None:
    """What is known of it, and what can be done with it."""
    dataset, job, pricer = batch_reads.about(batch)
    with st.container(border=True):
        _head(batch, pricer)
        if batch.state is BatchState.ASIDE:
            st.error(words.plain(batch.error or "It could not be priced."), icon=":material/error:")
            if batch.folder:
                st.caption(
                    words.plain(f"The file as it came lies in {batch.target}. Put it right and put it into the folder ")
                    + "again; to have it tried as it is, move it back."
                )
        if dataset is not None and job is not None:
            _files(batch, dataset, job, pricer)
    if batch.state is BatchState.PRICED and dataset is not None and job is not None:
        _real_prices(batch)


def _head(batch: PricerBatch, pricer: Pricer | None) -> None:
    version = f", version {pricer.version}" if pricer else ""
    where = f"from {batch.folder}" if batch.folder else "brought by hand"
    st.markdown(f"**{words.plain(batch.file_name)}**, priced by {words.plain(batch.pricer_name)}{version}")
    st.caption(words.plain(f"{where}, {formats.ago(batch.created_at)}"))
    if batch.state is not BatchState.PRICED:
        return
    shown = (
        ("Rows", f"{batch.rows:,}"),
        ("For a person", f"{batch.flagged:,}"),
        ("Unlike", f"{batch.unlike:,}"),
        ("Unreadable", f"{batch.rejects:,}"),
        ("Cost", formats.known_usd(batch.usd)),
    )
    for place, (label, value) in zip(st.columns(len(shown)), shown, strict=True):
        place.metric(label, words.md(value))


def _files(batch: PricerBatch, dataset: Dataset, job: Job, pricer: Pricer | None) -> None:
    wish = {"hit_rate": pricer.hit_rate if pricer else None, "within": pricer.within if pricer else None}
    with st.container(horizontal=True, vertical_alignment="center"):
        if batch.state is BatchState.PRICED and priced_file.is_kept(dataset):
            st.download_button(
                "The file with prices", lambda: priced_file.bytes_of(job, dataset, **wish), type="primary",
                file_name=priced_file.name_of(dataset), icon=":material/download:", on_click="ignore",
                key=f"batch-file-{batch.id}",
            )  # fmt: skip
        if batch.state is BatchState.PRICED and (batch.flagged or batch.rejects):
            st.download_button(
                "Rows for a person", lambda: export.FORMATS[".csv"].bytes_of(priced_file.for_a_person(job.id, **wish)),
                file_name=f"{dataset.name}-for-a-person.csv", icon=":material/person_search:", on_click="ignore",
                key=f"batch-person-{batch.id}", help="The lines that somebody has to look at, each with the reason.",
            )  # fmt: skip
        address = {"dataset": str(dataset.id), "job": str(job.id)}
        st.page_link(navigation.RESULTS, label=f"Job {job.id}", icon=":material/sell:", query_params=address)
    for sentence in batch_reads.cautions(dataset, job) if batch.state is BatchState.PRICED else ():
        st.caption(":material/info: " + words.plain(sentence))
    if not job.state.is_final:
        live.show(job)


def _real_prices(batch: PricerBatch) -> None:
    """What real prices say, and the way to bring them."""
    st.subheader("Real prices", anchor=False)
    came = truth.parse(batch.truth)
    if came:
        for sentence in truth.sentences(came):
            st.markdown("- " + words.plain(sentence))
        if truth.alarms(came):
            _remedies(batch, came)
    job = batch_reads.truth_job(batch)
    if job is not None and (job.state is not JobState.DONE):
        live.show(job)
    with st.expander("Bring real prices", expanded=came is None, icon=":material/price_check:"):
        _bring(batch)


def _bring(batch: PricerBatch) -> None:
    st.caption(
        "A file with the same ids (or, without ids, the same texts) and what the products really cost. It may hold a "
        "part of them; more can come later."
    )
    key = f"{batch.id}-{st.session_state.get('truths', 0)}"
    file = st.file_uploader("Real prices", type=file_formats.UPLOADED, label_visibility="collapsed", key=f"truth-{key}")
    left, middle, right = st.columns(3)
    column = left.text_input("Column of real prices", key=f"truth-price-{key}", placeholder="as its name tells")
    own = middle.text_input("Column of ids", key=f"truth-id-{key}", placeholder="as its name tells")
    sign = right.selectbox(
        "Decimal sign", [None, *Sign], format_func=lambda each: words.SIGNS[each], key=f"truth-sign-{key}"
    )
    may = widgets.allowed(Verb.BRING_REAL_PRICES, batch, disabled=file is None)
    if st.button("Compare", icon=":material/compare_arrows:", key=f"truth-go-{batch.id}", **may):
        assert file is not None  # else it can't be pressed
        columns = {field: name.strip() for field, name in (("price", column), ("id", own)) if name.strip()}
        actions.attach_truth(batch.id, file.name, file, columns, Answers(sign.mark if sign else None))
        # A new key empties the chooser, and the server drops its copy of the bytes.
        st.session_state["truths"] = st.session_state.get("truths", 0) + 1
        st.rerun()


def _remedies(batch: PricerBatch, came: Truth) -> None:
    """What to do about a broken promise, with what it would take."""
    for sentence in truth.alarms(came):
        st.error(words.plain(sentence), icon=":material/notification_important:")
    ways = actions.remedies(batch)
    if not ways:
        st.caption("Its pricer was deleted: choose a technique anew on the Trade-offs page.")
    for way, remedy in ways.items():
        with st.container(border=True):
            st.markdown(words.plain(remedy.sentence()))
            if way == "learn" and st.button(
                "Join the real prices",
                icon=":material/join:",
                key=f"truth-join-{batch.id}",
                **widgets.allowed(Verb.JOIN_DATASETS),
            ):
                navigation.choose(actions.join_truth(batch.id))
                navigation.go(navigation.RUN)
            if way == "refresh" and st.button(
                "To the knowledge base", icon=":material/menu_book:", key=f"truth-refresh-{batch.id}"
            ):
                _, _, pricer = batch_reads.about(batch)
                if pricer:
                    navigation.choose(pricer.source_id)
                navigation.go(navigation.KNOWLEDGE)


def nothing() -> None:
    """What to do where no file was priced by a pricer yet."""
    widgets.worker_warning()
    navigation.next_step(
        "No file was priced by a pricer yet.",
        navigation.PRICERS,
        "Price a file",
        ":material/sell:",
        about="Price one on the Pricers page, or have a folder watched: pricewright watch IN --with NAME --out OUT.",
    )
