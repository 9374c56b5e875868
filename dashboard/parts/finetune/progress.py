"""One training while it runs, and what came of it."""

from collections.abc import Callable

import streamlit as st

from dashboard.parts.adapters import production
from dashboard.parts.finetune import charts, history
from dashboard.parts.finetune import reads as finetune_reads
from dashboard.parts.finetune.reads import Curve
from dashboard.parts.jobs import cards
from dashboard.parts.run import choose
from dashboard.shared import formats, navigation, reads, widgets, words
from db.job_progress import JobProgress
from db.types import Job, JobState, Queue, Step
from worker.adapters import actions as adapter_actions
from worker.endpoints import tuning
from worker.finetune import actions as finetune_actions
from worker.jobs import actions

SECONDS = 2.0  # between two looks: charts are drawn anew


def show(job: Job) -> None:
    """A training, live while it runs; the page runs anew when it is over."""
    widgets.fragment(_show, run_every=SECONDS if job.state is JobState.RUNNING else None)(job, job.state)


def _show(job: Job, was: JobState) -> None:
    with widgets.tell_errors():
        progress = reads.progress([job.id])[job.id]
        if progress.state is not was:
            st.rerun()  # once: with the timer, the buttons and the outcome that fit
        curve = finetune_reads.curve(job.id)
        _head(job, progress, curve)
        if progress.error:
            told = st.warning if job.state is JobState.PAUSED else st.error
            told(words.plain(progress.error), icon=":material/error:")
        if job.state is JobState.PAUSED and progress.cap_usd is not None:
            cards.raise_cap(job, progress.cap_usd)
        if job.state is JobState.RUNNING:
            widgets.worker_warning()
        if job.state is JobState.DONE:
            _outcome(job)
        _figures(job, progress, curve)
        _charts(curve)
        if curve.log:
            st.caption("Log, the last lines")
            st.code("\n".join(curve.log), language=None, height=160)


def _head(job: Job, progress: JobProgress, curve: Curve) -> None:
    """The training's name, its state and what can be done with it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{words.plain(words.job_name(job))}**", width="content")
        widgets.badge(job.state)
        st.space("stretch")
        is_stopping = finetune_reads.is_stopping(job.id)
        is_at_endpoint = _trains_at_endpoint(job)
        if progress.step is Step.TRAIN and job.state is JobState.RUNNING and not (is_stopping or is_at_endpoint):
            _button("Stop, keep the best", ":material/stop_circle:", finetune_actions.stop, job, _STOP)
        for label, icon, verb in cards.verbs(job, progress):
            if not (is_at_endpoint and label == "Pause"):  # nothing pauses at an endpoint
                _button(label, icon, verb, job, tuning.ENDED if is_at_endpoint and label == "Cancel" else None)
        if job.state is JobState.CANCELLED and is_at_endpoint:
            _button("Start anew (paid again)", ":material/replay:", actions.retry, job, _ANEW)
        elif job.state is JobState.CANCELLED:
            _button("Go on", ":material/play_arrow:", actions.retry, job, "From the last checkpoint, if it has one.")
    if job.state is JobState.RUNNING:
        doing = words.STEPS[progress.step] if progress.step else "Waiting for a worker"
        if progress.step in (Step.TRAIN, Step.TUNE) and not curve.step:
            doing = "Getting ready: a free worker reads the rows and loads the model"
            if curve.log and not is_at_endpoint:
                doing = "Pricing validation rows before the first step"
        if progress.step is Step.TRAIN and is_stopping:
            doing = "Stopping at the next step; the best checkpoint becomes the adapter"
        share = min(1.0, progress.items_done / progress.items_total) if progress.items_total else 0.0
        st.progress(share, text=f"{doing} …")


def _trains_at_endpoint(job: Job) -> bool:
    """Whether an endpoint trains the model, or did so to no end: other things can be done with it than here."""
    return job.queue is Queue.ENDPOINT and finetune_reads.made_by(job) is None


_ANEW = "Hands the same examples to the endpoint once more; it charges for them again."
_STOP = "Ends at the next step; the best checkpoint so far becomes the adapter."


def _button(label: str, icon: str, verb: Callable[[int], object], job: Job, about: str | None = None) -> None:
    may = widgets.allowed(widgets.JOB_VERBS[label], job, about=about)
    if st.button(label, icon=icon, key=f"training-{label.lower()}-{job.id}", **may):
        verb(job.id)
        st.rerun()


def _figures(job: Job, progress: JobProgress, curve: Curve) -> None:
    """The numbers that move."""
    latest, best = curve.latest, curve.best
    error = formats.NOTHING if best is None or best["mae"] is None else formats.price(best["mae"])
    left = progress.eta_seconds if progress.step is Step.TRAIN else None
    money = (
        formats.usd(progress.usd) if history.knows_cost(job, progress, finetune_reads.made_by(job)) else formats.UNKNOWN
    )
    memory = f"{latest['memory_gb']:.1f} GB" if latest.get("memory_gb") else formats.NOTHING
    speed = f"{latest['tokens_per_second']:,.0f}" if latest.get("tokens_per_second") else formats.NOTHING
    shown = [
        (f"Step, of {curve.total:,}" if curve.total else "Step", f"{curve.step:,}", "Of the optimiser."),
        ("Time left", formats.duration(left), "Of the training; then what it forgot is measured."),
        ("Best mean error", error, "On validation rows, priced just as your rows will be later."),
        ("Cost so far", money, "Machine time × its hourly rate, or what the endpoint takes."),
        ("Tokens per second", speed, "At the last step."),
        ("Memory", memory, f"Of the training's process, on {words.plain(latest.get('device', 'an unknown machine'))}."),
    ]
    for place, (label, value, about) in zip(st.columns(len(shown)), shown, strict=True):
        place.metric(label, words.md(value), help=about, border=True)
    st.caption(words.md(" · ".join(_facts(job, progress, curve))))


def _facts(job: Job, progress: JobProgress, curve: Curve) -> list[str]:
    facts = [f"job {job.id}", f"for {words.plain(str(job.spec['task']))}"]
    facts.append(f"{progress.items_done:,} of {formats.count(progress.items_total, 'row')} seen, all epochs together")
    if curve.latest.get("device"):
        facts.append(f"on {words.plain(curve.latest['device'])}")
    if curve.latest.get("seconds"):
        facts.append(f"{formats.duration(curve.latest['seconds'])} of work")
    facts.append(f"started {job.created_at:%Y-%m-%d %H:%M} UTC")
    if job.finished_at:
        facts.append(f"ended {job.finished_at:%Y-%m-%d %H:%M} UTC")
    return facts


def _charts(curve: Curve) -> None:
    """Loss and price errors beside each other, and below, small, what an engineer looks at."""
    if not curve.step and curve.measured.is_empty():
        st.caption("The curve begins with what the untrained model knows.")
        return
    left, middle, right = st.columns(3, gap="medium")
    with left:
        st.markdown(
            "**Loss**",
            help="What the training makes small: how far its answers are from the right prices. Lower is better.",
        )
        widgets.chart(charts.loss(curve.steps, curve.measured, curve.total), "training-loss")
    if curve.measured["mae"].is_null().all():
        middle.markdown("**Price error**")
        middle.caption("No validation row was priced yet; the curve begins with the first measurement.")
    else:
        with middle:
            st.markdown("**Mean price error**", help="On validation rows; lower is better.")
            widgets.chart(charts.error(curve.measured, curve.total), "training-error")
        with right:
            st.markdown("**Median error and answers**", help="Half of the guesses are closer than the median error.")
            widgets.chart(charts.shares(curve.measured, curve.total), "training-shares")
    if curve.best:
        st.caption(words.md(f"Best so far: step {curve.best['step']:,}, {words.measurement(curve.best)}."))
    for place, (name, label) in zip(st.columns(3, gap="medium"), _SMALL.items(), strict=True):
        if curve.steps[name].is_not_null().any():
            with place:
                st.caption(label)
                widgets.chart(charts.figure(curve.steps, name, curve.total), f"training-{name.replace('_', '-')}")


_SMALL = {"learning_rate": "Learning rate", "grad_norm": "Gradient norm", "tokens_per_second": "Tokens per second"}


def _outcome(job: Job) -> None:
    """What came of a training, what the gate says, and where to go on."""
    adapter = finetune_reads.made_by(job)
    if adapter is None:
        st.info("Its adapter was deleted; the curve is kept.", icon=":material/delete:")
        return
    rows = formats.count(adapter.train_rows, "row")
    early = " It was stopped early and kept the best it had." if adapter.metrics.get("stopped") else ""
    is_idle = words.brought_nothing(adapter.metrics)
    told = st.info if is_idle else st.success
    told(
        words.md(
            f"Adapter **{adapter.id[:8]}** for {words.plain(adapter.task)}, from {rows}: "
            f"{words.measurement(adapter.metrics)} on validation rows{words.before(adapter.metrics)}.{early}"
        ),
        icon=":material/check:",
    )
    if is_idle:
        st.warning(
            "Its mean error on the validation rows is no lower than before its first step: try more rows, more epochs "
            "or a lower learning rate, and compare it with the same model untrained on Trade-offs.",
            icon=":material/trending_flat:",
        )
    production.gate(adapter_actions.gate_objection(adapter))
    with st.container(horizontal=True):
        address = {"dataset": str(job.dataset_id), choose.ADAPTER: adapter.id}
        st.page_link(navigation.RUN, label="Price rows with it", icon=":material/play_circle:", query_params=address)
        st.page_link(navigation.ADAPTERS, label="Its page among the adapters", icon=":material/extension:",
                     query_params=address)  # fmt: skip
