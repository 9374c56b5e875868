"""The choices on the Run page: which rows, which techniques, with which model and prompt."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboard.shared import formats, forms, navigation, widgets, words
from dashboard.shared.forms import Choices
from db.engine import begin
from db.errors import UserError
from db.types import Adapter, Dataset, Endpoint, Split, Verb
from worker import specs
from worker.adapters import pricing
from worker.endpoints import tuning
from worker.evaluation import context_curve
from worker.pricing import actions
from worker.prompts import actions as prompt_actions
from worker.specs import BaseSpec

PROMPT = "run-prompt"
"""In the session: the prompt that the Prompts page hands over."""

ADAPTER = "adapter"
"""In the address: the adapter that the Fine-tune or the Adapters page hands over."""

TECHNIQUE = "technique"
"""In the address: the technique that the Advisor page hands over, alone; its settings may stand beside it by name."""

LIMIT = "limit"
"""In the address: how many rows the Advisor page speaks of."""

_CHOSEN_APART = ("model", "prompt", "adapter", "members")

CURVE_ROWS = 200
"""Test rows that each step of a context curve prices."""


@dataclass(frozen=True)
class Rows:
    split: Split | None  # None: test and unpriced
    limit: int | None  # None: all of them


def rows(dataset: Dataset, *, elsewhere: bool = False) -> Rows | None:
    """Which side and how many; None when there is nothing to price. `elsewhere`: techniques learn from another dataset,
    so that they have seen no row of this one."""
    test, unpriced = dataset.splits.get(Split.TEST, 0), dataset.splits.get(Split.UNPRICED, 0)
    known: dict[str, tuple[Split | None, str, int]] = {
        "all": (None, "Every row", dataset.items if elsewhere else 0),
        "measure": (Split.TEST, "Test rows, to measure how wrong each technique is", test),
        "price": (Split.UNPRICED, "Rows without a price, to get one", unpriced),
        "both": (None, "Both", test + unpriced if test and unpriced and not elsewhere else 0),
    }
    known = {key: choice for key, choice in known.items() if choice[2]}
    if not known:
        return None
    left, right = st.columns([2, 1], gap="large")
    what = left.radio(
        "Rows",
        list(known),
        format_func=lambda key: f"{known[key][1]} ({known[key][2]:,})",
        label_visibility="collapsed",
    )
    split, _, available = known[what]
    wanted = st.query_params.get(LIMIT, "")
    first = available if what == "all" else min(available, 500)
    usual = int(wanted) if wanted.isdecimal() and 0 < int(wanted) <= available else first
    sample = right.number_input(
        "How many", 1, available, usual, step=100, key=f"sample-{dataset.id}-{what}",
        help="A sample is drawn once and is the same for every technique; a larger one contains the smaller.",
    )  # fmt: skip
    return Rows(split, None if sample == available else int(sample))


def usable(source: Dataset, adapters: Sequence[Adapter]) -> list[Adapter]:
    """The adapters that can price here: one that reads neighbours needs train rows to find them among."""
    learns = source.splits.get(Split.TRAIN, 0) > 0
    return [adapter for adapter in adapters if learns or not adapter.spec.get("k")]


def techniques(source: Dataset, endpoints: Sequence[Endpoint], adapters: Sequence[Adapter]) -> list[str]:
    """Names of the chosen ones, cheap first. A model that calls functions is one behind an endpoint."""
    learns = source.splits.get(Split.TRAIN, 0) > 0

    def can_run(kind: type[BaseSpec]) -> bool:
        if kind.needs_adapter:
            return bool(adapters)  # whether one needs train rows is its adapter's matter
        return (learns or not kind.needs_fit) and (bool(endpoints) or not kind.calls_functions)

    offered = {name: kind for name, kind in specs.SPECS.items() if can_run(kind)}
    names, takes_adapter = list(offered), ADAPTER in st.query_params
    first = [name for name, kind in offered.items() if kind.is_preselected or (kind.needs_adapter and takes_adapter)]
    if (wanted := st.query_params.get(TECHNIQUE, "")) in offered:
        first = [wanted]
    if not learns:
        st.info("This dataset has no prices to learn from, so only techniques that need none are offered.")
    chosen = st.pills(
        "Techniques", names, selection_mode="multi", default=first,
        label_visibility="collapsed", format_func=lambda name: specs.SPECS[name].label,
        key=f"techniques-{learns}-{wanted}", wrap=True,
    )  # fmt: skip
    if learns and not adapters:
        label = "There is no adapter to price with yet: train one on the Fine-tune page"
        st.page_link(navigation.FINETUNE, label=label, icon=":material/model_training:")
    return [name for name in names if name in chosen]


def models(endpoints: Sequence[Endpoint]) -> list[str]:
    return [*specs.MODELS, *(f"{endpoint.name}:{model.id}" for endpoint in endpoints for model in endpoint.models)]


def prompts() -> list[str]:
    """auto, then each name, then each of its versions."""
    every = prompt_actions.every()
    return ["auto", *dict.fromkeys(prompt.name for prompt in every), *(prompt.ref for prompt in every)]


def settings(
    source: Dataset, names: Sequence[str], endpoints: Sequence[Endpoint], adapters: Sequence[Adapter]
) -> list[BaseSpec]:
    """The form of each technique; those with a language model start with one model for all. Raises UserError."""
    members = actions.possible_members(source.id)
    choices = Choices(
        models(endpoints),
        prompts(),
        adapters=adapters,
        adapter=st.query_params.get(ADAPTER, ""),
        members=members.known,
        usual_members=members.usual,
    )
    if model := st.query_params.get("model"):
        choices = replace(choices, model=model)
    if any(_asks_for_model(name) for name in names):
        left, _ = st.columns(2)
        with left:
            shared = forms.model_choice(forms.MODEL, choices, "Language model, for every technique that uses one")
        choices = replace(choices, model=shared)
    planned = []
    for name in names:
        _take_over(name, choices)
        kind = specs.SPECS[name]
        with st.expander(f"**{kind.label}** — {kind.about}"):
            planned.append(forms.spec_form(name, replace(choices, first=_handed_over(name))))
    with begin() as session:  # an adapter brings its model along: only then it is known where that answers
        return [pricing.fill(session, spec) for spec in planned]


def _handed_over(name: str) -> dict[str, Any]:
    """The settings of a technique that the Advisor page hands over, as its form shows them; none where one is bad."""
    if st.query_params.get(TECHNIQUE) != name:
        return {}
    kind = specs.SPECS[name]
    given = [field for field in specs.asked_fields(kind) if field in st.query_params and field not in _CHOSEN_APART]
    with suppress(UserError):
        parsed = specs.parse({"technique": name} | {field: st.query_params[field] for field in given})
        return {field: getattr(parsed, field) for field in given}
    return {}


def _asks_for_model(name: str) -> bool:
    """Whether the technique needs a model to be chosen; one whose adapter brings its model along does not."""
    return "model" in specs.asked_fields(specs.SPECS[name])


def _take_over(name: str, choices: Choices) -> None:
    """Another model above, or a prompt from the Prompts page, goes once into the form of each technique."""
    if not _asks_for_model(name):
        return
    key = f"run-shared-{name}"
    if st.session_state.get(key) != choices.model:
        if key in st.session_state:
            st.session_state[f"spec-{name}-model"] = choices.model
        st.session_state[key] = choices.model
    prompt, taken = st.session_state.get(PROMPT), f"run-prompt-{name}"
    if prompt in choices.prompts and st.session_state.get(taken) != prompt:
        st.session_state[f"spec-{name}-prompt"] = st.session_state[taken] = prompt


def model_warnings(planned: Sequence[BaseSpec], endpoints: Sequence[Endpoint]) -> None:
    """What to know of the chosen models before anything is paid: they end soon, or lack what is asked of them."""
    known = {endpoint.name: endpoint for endpoint in endpoints}
    said: dict[str, None] = {}
    for spec in planned:
        model = str(spec.model_dump().get("model", ""))
        if spec.uses_endpoint:
            name, _, model_id = model.partition(":")
            if name not in known:
                said[f"There is no endpoint {name}: add it on the Endpoints page, or choose another model."] = None
                continue
            about = known[name].model(model_id)
            ends = tuning.last_day(known[name], model_id)
            said |= {text: None for text in [words.shutdown(model_id, ends, _today())] if text}
            if spec.calls_functions and about.abilities.get("tools") is False:
                said[f"{model_id} can't call tools, as its test showed: choose another model for it."] = None
        elif spec.calls_functions:
            said[f"{words.model_name(model)} can't call tools: choose a model of an endpoint for “{spec.label}”."] = (
                None
            )
    for text in said:
        st.warning(words.plain(text), icon=":material/event_busy:" if "shut down" in text else ":material/warning:")


def _today() -> date:
    return datetime.now(UTC).date()


def cap(planned: Sequence[BaseSpec]) -> Decimal | None:
    """The most that each job may pay; asked for only when a model behind an endpoint is chosen."""
    if not any(spec.uses_endpoint for spec in planned):
        return None
    left, _ = st.columns([1, 2])
    value = left.number_input(
        "Spend at most, per job ($)", min_value=0.0, value=None, step=0.1, format="%.4f", placeholder="no cap",
        key="run-cap",
        help="A job that reaches it pauses and says so; you can raise the cap and go on where it stopped. Empty: no "
        "cap; 0: nothing may be paid.",
    )  # fmt: skip
    return None if value is None else Decimal(str(value))


def curve(dataset: Dataset, planned: Sequence[BaseSpec], cap_usd: Decimal | None) -> list[int]:
    """Offers, inside of a form, to try how much context pays; the jobs if somebody asked for it."""
    able = [spec for spec in planned if spec.k_counts]
    test = dataset.splits.get(Split.TEST, 0)
    started: list[int] = []
    if not able or not test:
        return started
    steps = formats.listed([str(k) for k in context_curve.STEPS])
    n = min(test, CURVE_ROWS)
    st.caption(
        f"Or find out how much context pays: a context curve prices {formats.count(n, 'test row')} with {steps} "
        "examples or neighbours, each a job of its own; Trade-offs then shows error and cost against the length of "
        "the prompt."
    )
    with st.container(horizontal=True):
        for spec in able:
            may = widgets.allowed(Verb.START_JOB)
            if st.form_submit_button(f"Context curve: {spec.label}", icon=":material/show_chart:", **may):
                started += actions.start_curve(dataset.id, spec, n, cap_usd=cap_usd)
    return started
