"""Where a race stands: how much of the rows and the money it took, who is out and why, and how sure the gaps are."""

import polars as pl
import streamlit as st

from dashboard.parts.jobs import cards
from dashboard.parts.race import charts
from dashboard.parts.race import reads as race_reads
from dashboard.shared import formats, navigation, reads, widgets, words
from db.job_results import RaceResult
from db.types import Job, JobState, Verb
from worker.jobs import actions as job_actions
from worker.race import actions, planning, sentences
from worker.specs.race import RaceSpec

SECONDS = 1.0  # between two looks


def show(race: Job) -> None:
    """A race, live while it runs; the page runs anew when it is over."""
    widgets.fragment(_show, run_every=SECONDS if race.state is JobState.RUNNING else None)(race.id, race.state)


def _show(race_id: int, was: JobState) -> None:
    with widgets.tell_errors():
        race, result = race_reads.standing(race_id)
        if race.state is not was:
            st.rerun()
        spec, names = RaceSpec.model_validate(race.spec["race"]), race_reads.names(result)
        measure = planning.measure_of(spec)
        _head(race, result)
        if not result.rounds:
            return
        if said := sentences.verdict(result, names, measure, spec):
            (st.success if result.ended == "clear" else st.info)(words.plain(said), icon=":material/flag:")
        _table(race, result, names)
        points = race_reads.gaps(result, names)
        if len(points):
            widgets.chart(charts.gaps(points, measure, spec.weighted_by), "race", key=f"race-chart-{race_id}")
        st.caption(words.md(words.plain(sentences.about(result, measure, spec))))
        if result.ended == "clear":
            _rest(result, names)


def _head(race: Job, result: RaceResult) -> None:
    """How far the race is and what can be done with it."""
    progress = reads.progress([race.id])[race.id]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Race {race.id}**", width="content")
            widgets.badge(race.state)
            st.space("stretch")
            for label, icon, verb in cards.verbs(race, progress):
                may = widgets.allowed(widgets.JOB_VERBS[label], race)
                if st.button(label, icon=icon, key=f"race-{label.lower()}-{race.id}", **may):
                    verb(race.id)
                    st.rerun()
        said = words.plain(sentences.progress(race, result))
        if race.state.is_final:
            st.markdown(said)
        else:
            done = result.rounds[-1].rows if result.rounds else 0
            st.progress(min(1.0, done / max(1, race.items_total)), text=said)
        if progress.error:
            st.error(words.plain(progress.error), icon=":material/error:")
        if race.state is JobState.PAUSED and progress.cap_usd is not None:
            cards.raise_cap(race, progress.cap_usd)


def _table(race: Job, result: RaceResult, names: dict[int, str]) -> None:
    measure = planning.measure_of(RaceSpec.model_validate(race.spec["race"]))
    last = result.rounds[-1]
    lines = [
        {
            "Technique": names.get(racer.job, f"job {racer.job}"),
            "Rows": racer.rows if racer.rows is not None else last.rows,
            measure.short: measure.written(figure),
            "Worse than the one ahead by": formats.NOTHING
            if gap is None or racer.job == last.leader
            else f"{measure.written(gap[0])} ({measure.written(gap[1])} to {measure.written(gap[2])})",
            "Standing": sentences.exit_of(racer, names) or ("ahead" if racer.job == last.leader else "still in"),
        }
        for racer, figure, gap in zip(result.racers, last.figures, last.gaps, strict=True)
    ]
    widgets.table(pl.DataFrame(lines))


def _rest(result: RaceResult, names: dict[int, str]) -> None:
    """The way on: the chosen technique on the rows that the race did not need."""
    best = result.left[0].job
    job = actions.racing([best])[best]
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.state is JobState.STOPPED:
            label, may = f"Price the rest with {names[best]}", widgets.allowed(Verb.RETRY_JOB, job)
            if st.button(label, icon=":material/play_arrow:", key=f"race-rest-{best}", **may):
                job_actions.retry(best)
                navigation.go(navigation.JOBS)
            st.caption("Then it is an ordinary finished job, which Trade-offs and Results show.")
        else:
            st.caption(words.plain(f"{names[best]}: job {best} is {words.STATES[job.state][0].lower()}."))
