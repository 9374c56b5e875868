"""Saved verdicts on the page: the button that keeps one, and below what is kept, whether it holds, and until when."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import streamlit as st

from dashboard.parts.tradeoffs import use
from dashboard.shared import formats, live, widgets, words
from dashboard.shared.widgets import is_sure
from db.job_results import RecheckedVerdict
from db.types import Dataset, Job, SavedVerdict, Verb
from worker.evaluation.choice import Limits
from worker.evaluation.measures import Measure
from worker.saved_verdicts import actions, facts

_KEPT = "verdict-kept"


def keep(
    dataset: Dataset,
    job_ids: Sequence[int],
    error: Measure,
    limits: Limits,
    chosen: Sequence[int],
    *,
    weighted: bool,
) -> None:
    """The button that saves the verdict above, or where limits are set their choices. chosen: jobs that keep them."""
    asked = limits.questions()
    with st.container(horizontal=True, vertical_alignment="center"):
        label = "Save this choice" if asked else "Save this verdict"
        may = widgets.allowed(Verb.SAVE_VERDICT, disabled=bool(asked) and not chosen)
        if st.button(label, icon=":material/bookmark_add:", key="save-verdict", **may):
            saved = actions.save(dataset.id, job_ids, error.key, limits, weighted=weighted)
            st.session_state[_KEPT] = ", ".join(str(each.id) for each in saved)
            st.rerun()
        if not asked or len(set(chosen)) == 1:
            use.button(
                "verdict", dataset.name,
                lambda: actions.save(dataset.id, job_ids, error.key, limits, weighted=weighted)[0].id,
            )  # fmt: skip
        if number := st.session_state.pop(_KEPT, None):
            st.markdown(f":material/check: Kept as verdict {number}: see Saved verdicts below.", width="content")
        else:
            st.caption("With all that it rests on, so that you can see later whether it still holds.", width="content")
    use.made()


def show(dataset: Dataset) -> None:
    """What is saved on the dataset, each with its state; nothing where nothing is."""
    kept = actions.kept(dataset.id)
    if not kept:
        return
    st.subheader("Saved verdicts", anchor=False)
    known, working = actions.latest(dataset.id), actions.under_way(dataset.id)
    for job in working:
        live.show(job)
    may = widgets.allowed(Verb.START_JOB)
    if not working and st.button("Recheck all", icon=":material/event_repeat:", key=f"recheck-{dataset.id}", **may):
        actions.recheck(dataset.id)
        st.rerun()
    for each in kept:
        _one(each, known, is_working=bool(working))


def _one(saved: SavedVerdict, known: Mapping[int, tuple[Job, RecheckedVerdict]], *, is_working: bool) -> None:
    kept, day, today = facts.parse(saved.facts), actions.best_before(saved), datetime.now(UTC).date()
    with st.container(border=True):
        head, verbs = st.columns([4, 2], vertical_alignment="top")
        head.markdown(words.md(f"**{words.plain(kept.chosen.label)}**, {kept.question} · verdict {saved.id}"))
        head.caption(f"Saved {saved.created_at:%Y-%m-%d %H:%M} UTC · {_good(day, today)}")
        with verbs.container(horizontal=True, horizontal_alignment="right"):
            use.button(str(saved.id), kept.dataset, lambda: saved.id)
            may = widgets.allowed(Verb.START_JOB, disabled=is_working)
            if st.button("Recheck", icon=":material/event_repeat:", key=f"recheck-one-{saved.id}", **may):
                actions.recheck(saved.dataset_id, [saved.id])
                st.rerun()
            question = f"Forget verdict {saved.id}? The jobs that it rests on stay."
            may = widgets.allowed(Verb.FORGET_VERDICT, saved)
            if is_sure("Forget", question, key=f"forget-{saved.id}", may=may):
                actions.forget(saved.id)
                st.rerun()
        st.markdown(words.plain(kept.sentence))
        if day and day <= today:
            st.error(words.plain(f"A model that it needs was shut down on {day}."), icon=":material/event_busy:")
        _state(known.get(saved.id))


def _good(day: date | None, today: date) -> str:
    if day is None:
        return "no end known of what it needs"
    return f"**best before {day}**" + (f", in {formats.count((day - today).days, 'day')}" if day > today else "")


def _state(known: tuple[Job, RecheckedVerdict] | None) -> None:
    if known is None:
        st.caption(":material/help: Not rechecked yet.")
        return
    job, found = known
    when = f"{job.finished_at:%Y-%m-%d %H:%M} UTC" if job.finished_at else ""
    if found.holds:
        st.success(f"It held on {when}.", icon=":material/check_circle:")
    else:
        said = " ".join(words.plain(reason) for reason in found.reasons)
        st.error(f"**It no longer holds** (looked at on {when}). {said}", icon=":material/error:")
    for note in found.notes:
        st.caption(f":material/info: {words.plain(note)}")
    st.caption(f":material/payments: {words.plain(found.anew)}")
