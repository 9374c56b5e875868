"""The choice of the training to look at: a new one, or one of those there were. The address keeps it over a reload."""

import polars as pl
import streamlit as st

from dashboard.parts.finetune import reads as finetune_reads
from dashboard.shared import formats, pickers, reads, widgets, words
from db.job_progress import JobProgress
from db.types import Adapter, Job, JobState, Queue

JOB = "job"
"""In the address: the training that is shown."""

NEW, WATCH = "Train something new", "Watch and look back"
_VIEW, _CHOSEN = "finetune-view", "finetune-job"

_COLUMNS = {
    "Rows": st.column_config.NumberColumn(format="localized"),
    "Median error": st.column_config.NumberColumn(format="percent"),
    "Training": st.column_config.TextColumn(pinned=True),
    "Started": st.column_config.DatetimeColumn(format="distance"),
}


def wants_new(trainings: list[Job]) -> bool:
    """What the person wants to see; at first a training if the address names one or one is under way."""
    if not trainings:
        return True
    if _VIEW not in st.session_state:
        is_under_way = not trainings[0].state.is_final
        st.session_state[_VIEW] = WATCH if JOB in st.query_params or is_under_way else NEW
    view = st.segmented_control("View", [NEW, WATCH], key=_VIEW, required=True, label_visibility="collapsed")
    if view == NEW:
        st.query_params.pop(JOB, None)
    return bool(view == NEW)


def open_(job_id: int) -> None:
    """Look at this training from now on."""
    st.session_state.pop(_VIEW, None)
    st.query_params[JOB] = str(job_id)
    st.rerun()


def choose(trainings: list[Job]) -> Job:
    """One of the trainings; that in the address, else the newest."""
    known = {str(job.id): job for job in trainings}
    chosen = st.query_params.get(JOB, "")
    if chosen not in known:
        if chosen and _CHOSEN not in st.session_state:  # not one that was looked at before the dataset was changed
            sentence = f"This dataset has no training {words.plain(chosen)}; this is another one."
            st.warning(sentence, icon=":material/search_off:")
        chosen = next(iter(known))
    st.query_params[JOB] = st.session_state[_CHOSEN] = chosen
    names = reads.names(trainings)
    if len(trainings) > 1:
        states = {key: words.STATES[job.state][0].lower() for key, job in known.items()}
        told = {key: f"{names[int(key)]} · {state}" for key, state in states.items()}
        pickers.one("Training", told, key=_CHOSEN, on_change=_picked)
    return known[chosen]


def _picked() -> None:
    st.query_params[JOB] = st.session_state[_CHOSEN]


def table(trainings: list[Job]) -> None:
    """What was trained on this dataset, and what came of it."""
    if len(trainings) < 2:
        return
    st.subheader("All trainings of this dataset", anchor=False)
    names, progress = reads.names(trainings), reads.progress([job.id for job in trainings])
    lines = [
        {
            "Training": names[job.id],
            "State": words.STATES[job.state][0],
            "Task": str(job.spec["task"]),
            "Mean error": adapter.metrics.get("mae") if adapter else None,
            "Median error": adapter.metrics.get("median_relative_error") if adapter else None,
            "Rows": adapter.train_rows if adapter else None,
            "Took": formats.duration(job.fixed_seconds or None),
            "Cost": formats.usd(job.fixed_usd) if knows_cost(job, progress[job.id], adapter) else formats.UNKNOWN,
            "Adapter": adapter.id[:8] if adapter else formats.NOTHING,
            "Started": job.created_at,
        }
        for job, adapter in finetune_reads.history(trainings)
    ]
    schema = {"Mean error": pl.Float64, "Median error": pl.Float64, "Rows": pl.Int64}
    frame = pl.DataFrame(lines, schema_overrides=schema).with_columns(pl.col("Median error").round(2))
    error = widgets.prices("Mean error", frame["Mean error"], "On validation rows, of the best checkpoint.")
    widgets.table(frame, column_config=_COLUMNS | {"Mean error": error})


def knows_cost(job: Job, progress: JobProgress, adapter: Adapter | None) -> bool:
    """Whether all that a training took is booked: what an endpoint takes is known only of one that brought a model."""
    is_out = job.queue is Queue.ENDPOINT and adapter is None and job.state is not JobState.DONE
    return not (is_out or progress.has_unknown_cost)
