"""What shall be trained, on which rows, what will it take, and off it goes: the form of the Fine-tune page."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboard.parts.finetune import reads as finetune_reads
from dashboard.parts.knowledge import reads as knowledge_reads
from dashboard.parts.run import choose
from dashboard.shared import formats, forms, pickers, reads, widgets, words
from dashboard.shared.forms import Choices
from db.types import Dataset, Endpoint, JobState, Split, Verb
from worker.endpoints import tuning
from worker.finetune import actions as finetune_actions
from worker.finetune.actions import TrainEstimate
from worker.jobs import actions
from worker.specs import finetune
from worker.specs.finetune import PRESETS, TrainSpec
from worker.specs.forms import FORMS

SECONDS = 1.0  # between two looks at a timing

BASIC = ("form", "rows", "epochs", "k")
"""Asked for at first, after the model; all others are folded."""

MORE = {
    "What it reads": ("prompt", "categories", "max_text_tokens", "neighbour_tokens", "min_price", "max_price"),
    "What learns": ("rank", "alpha", "dropout", "targets", "layers", "quantisation", "gradient_checkpointing"),
    "How it learns": ("learning_rate", "schedule", "warmup", "weight_decay", "batch_tokens", "replay", "seed"),
    "How it is measured": ("metric", "evaluate_every", "evaluate_rows", "patience"),
}

HERE_ONLY = {
    *("form", *MORE["What learns"], *MORE["How it learns"], "metric", "evaluate_every", "patience"),
} - {"seed"}
"""Fields that an endpoint decides by itself."""


def settings(dataset: Dataset, endpoints: Sequence[Endpoint]) -> TrainSpec:
    """A preset and what differs from it, from the fields of TrainSpec. Raises UserError naming a bad field."""
    left, right = st.columns(2)
    preset = left.selectbox(
        "Start from", list(PRESETS), format_func=lambda name: PRESETS[name].label, key="tune-preset",
        help="Settings that belong together; change what you like below.",
    )  # fmt: skip
    chosen = PRESETS[preset]
    defaults = {name: field.default for name, field in TrainSpec.model_fields.items()} | chosen.values
    values: dict[str, Any] = {}
    with right:
        choices = Choices(choose.models(endpoints), choose.prompts(), str(defaults["model"]))
        values["model"] = forms.model_choice(f"tune-{preset}-model", choices, "Base model")
    st.caption(words.md(chosen.about))
    is_endpoint_model = finetune.parse({"model": values["model"]}).uses_endpoint
    shown = [name for name in TrainSpec.model_fields if not (is_endpoint_model and name in HERE_ONLY)]

    def ask(names: Sequence[str]) -> None:
        columns = st.columns(2)
        for place, name in enumerate(name for name in names if name in shown):
            with columns[place % 2]:
                values[name] = _input(f"tune-{preset}-{name}", name, defaults[name], choices, dataset)

    ask(BASIC)
    train, validation = (dataset.splits.get(side, 0) for side in (Split.TRAIN, Split.VALIDATION))
    st.caption(
        f"0 rows to learn from = all {train:,} of the train side. Progress is measured on up to {validation:,} "
        "validation rows; test rows stay unseen."
    )
    with st.expander("More settings"):
        groups = {title: names for title, names in MORE.items() if set(names) & set(shown)}
        for tab, names in zip(st.tabs(list(groups)), groups.values(), strict=True):
            with tab:
                ask(names)
    return finetune.parse(values, preset if not is_endpoint_model else "quick")


def _input(key: str, name: str, default: Any, choices: Choices, dataset: Dataset) -> Any:
    field = TrainSpec.model_fields[name]
    if name == "form":
        return st.selectbox(
            str(field.title), list(FORMS), key=key, format_func=lambda form: FORMS[form].label,
            index=list(FORMS).index(default),
        )  # fmt: skip
    if name == "prompt":
        names = {ref: words.prompt_name(ref) for ref in choices.prompts}
        return pickers.one(str(field.title), names, key=key, help=field.description)
    if name == "categories":
        names = {name: name for name in knowledge_reads.categories(dataset)}
        return pickers.several(
            str(field.title), names, key=f"{key}-{dataset.id}", placeholder="All", help=field.description
        )
    return forms.field_input(key, name, field, default)


def task(dataset: Dataset) -> str:
    """What the adapter is for."""
    return st.text_input(
        "Task", dataset.name, key=f"tune-task-{dataset.id}",
        help="What the adapter is for, in a word or two. One adapter per task can be in production.",
    )  # fmt: skip


def notices(spec: TrainSpec, endpoints: Sequence[Endpoint]) -> None:
    """What to know of a model behind an endpoint before anything is paid: how long it and its fine-tunes live."""
    name, _, model = spec.model.partition(":")
    endpoint = next((each for each in endpoints if each.name == name), None)
    if spec.uses_endpoint and endpoint is not None:
        told = tuning.notices(endpoint.provider, model, endpoint.model(model).shutdown_date)
        st.warning("\n\n".join(words.plain(each) for each in told), icon=":material/event_busy:")


def takes(dataset: Dataset, spec: TrainSpec) -> None:
    """Time and money, from what was measured here; else the offer to measure it. Raises UserError: it can't train."""
    pilot = finetune_reads.pilot(dataset, spec)  # read before the estimate it brings, or its end is missed
    known = finetune_actions.estimate(dataset.id, spec)
    if told := finetune_actions.caution(dataset.id, spec):
        st.warning(words.md(told), icon=":material/warning:")
    if known:
        st.markdown(words.md(estimate(known)))
        st.caption(words.plain(known.basis))
        if not known.is_scaled:
            return
    if pilot and not pilot.state.is_final:
        widgets.fragment(_timing, run_every=SECONDS)(pilot.id)
        return
    if not known:
        st.markdown(
            "Nobody has trained like this here yet, so time and money are unknown. Timing a few steps tells them."
        )
    may = widgets.allowed(Verb.START_JOB, about="Takes a minute or two, and keeps nothing.")
    if st.button("Time a few steps", icon=":material/timer:", **may):
        finetune_actions.measure(dataset.id, spec)
        st.rerun()
    if pilot and pilot.state is JobState.FAILED and pilot.error:
        st.error(words.plain(pilot.error), icon=":material/error:")


def estimate(known: TrainEstimate) -> str:
    """An estimate in a sentence of Markdown: "About **6 min** (5 min to 8 min) and **$0.01** ($0.008 to $0.013) …"."""
    if known.seconds is None or known.low is None or known.high is None:
        money = f"**{formats.usd(known.usd)}**" if known.usd is not None else f"an **{formats.UNKNOWN}** sum"
        return f"About {money} to the endpoint; how long it takes is the endpoint's to say."
    time = f"**{formats.duration(known.seconds)}** ({formats.duration(known.low)} to {formats.duration(known.high)})"
    if known.usd is None:
        return f"About {time}; what it costs is **{formats.UNKNOWN}**."
    low, high = (formats.usd(float(known.usd) * end / known.seconds) for end in (known.low, known.high))
    return f"About {time} and **{formats.usd(known.usd)}** ({low} to {high}), in {formats.count(known.steps, 'step')}."


def _timing(job_id: int) -> None:
    with widgets.tell_errors():
        progress = reads.progress([job_id])[job_id]
        if progress.state.is_final:
            st.rerun()
        st.status("Timing a few steps …", state="running")
        if st.button(
            "Cancel", icon=":material/cancel:", key=f"cancel-{job_id}", **widgets.allowed(Verb.CANCEL_JOB, progress)
        ):
            actions.cancel(job_id)
            st.rerun()
        widgets.worker_warning()


def start(dataset: Dataset, spec: TrainSpec, name: str) -> int | None:
    """The button; the job that it started, or that trained just this before."""
    cap = None
    if spec.uses_endpoint:
        cap = st.number_input(
            "Spend at most ($)", min_value=0.0, value=None, step=0.1, format="%.4f", placeholder="no cap",
            key="tune-cap", width=220,
            help="A training whose tokens, reckoned generously, could cost more is not handed in; pricing validation "
            "rows and the gate pause before they pass what is left. Refused where nobody knows what training costs: "
            "enter it on the Endpoints page.",
        )  # fmt: skip
    if not st.button(
        "Start the fine-tune", icon=":material/play_arrow:", type="primary", **widgets.allowed(Verb.START_JOB)
    ):
        return None
    cap_usd = None if cap is None else Decimal(str(cap))
    return finetune_actions.start(dataset.id, spec, task=name, cap_usd=cap_usd)


def hand_out(dataset: Dataset, spec: TrainSpec) -> None:
    """The examples as a file, to tune a model anywhere else."""
    with st.popover("Train elsewhere", icon=":material/ios_share:"):
        st.markdown(
            "The same rows as questions and answers in the chat format (JSONL), one per line, for any provider. Test "
            "rows are never among them."
        )
        if spec.k:
            st.caption("Set the neighbours in the prompt to 0: they are found while a model trains here.")
            return
        with st.container(horizontal=True):
            for side, label in ((Split.TRAIN, "Train rows"), (Split.VALIDATION, "Validation rows")):
                st.download_button(
                    label, lambda side=side: finetune_actions.export(dataset.id, spec, side),  # type: ignore[misc]
                    file_name=f"{dataset.name}-{side}.jsonl", mime="application/jsonl", icon=":material/download:",
                    on_click="ignore", key=f"jsonl-{side}",
                )  # fmt: skip
