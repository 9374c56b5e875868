"""The form of a scenario, and the scenarios that are kept by name."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboard.shared import formats, pickers, widgets, words
from db.types import Dataset, SavedScenario, Verb
from worker.specs import what_if
from worker.specs.what_if import Scenario
from worker.what_if import actions

VOLUMES = [round(part * 10**power) for power in range(2, 8) for part in (1, 1.5, 2, 3, 5, 7)] + [10**8]
"""Steps of the slider of items a month."""

_KINDS = {
    "input": "Input tokens", "cached": "Cached input", "output": "Output tokens", "batch_input": "Batch input",
    "batch_output": "Batch output",
}  # fmt: skip


def settings(dataset: Dataset, models: Sequence[str]) -> Scenario:
    """What is supposed; models: those behind endpoints whose tokens have a price. Raises UserError."""
    _fill(dataset, models)
    values: dict[str, Any] = {}
    left, middle, right = st.columns(3)
    values["items_a_month"] = _volume(left)
    values["months"] = middle.slider("Months", 1, 120, key="what-months", help="Over which all is added up.")
    values["batch"] = right.toggle(
        "Batch tariff",
        key="what-batch",
        help="Ask endpoints in batches: answers within a day, often at half the price.",
    )
    columns = st.columns(4)
    for column, (name, label, about) in zip(columns, _PRICES, strict=True):
        value = column.number_input(
            label, min_value=0.0, value=None, key=f"what-{name}", placeholder=_EMPTY[name], format="%.6g", help=about,
        )  # fmt: skip
        if value is not None:
            values[name] = Decimal(repr(value))
    values["tokens"] = {model: prices for model in models if (prices := _tokens(model))}
    return what_if.parse(values)


_PRICES = (
    ("label_usd", "Labelling one row ($)", "A person's time or research for one more row with a price. Counted for "
     "every row that a technique learns from."),
    ("hosting_usd", "Hosting a month ($)", "Of each fine-tuned model, whether it is asked or not."),
    ("gpu_hour_usd", "GPU-hour ($)", "For what ran, learned or trained on GPU machines."),
    ("cpu_hour_usd", "CPU-hour ($)", "For what ran or learned on CPU machines."),
)  # fmt: skip
_EMPTY = {
    "label_usd": "not counted", "hosting_usd": "none", "gpu_hour_usd": "as booked", "cpu_hour_usd": "as booked",
}  # fmt: skip


def _fill(dataset: Dataset, models: Sequence[str]) -> None:
    """Puts a scenario into the fields: one that was loaded just now, or at first the usual one."""
    loaded: Scenario | None = st.session_state.pop("what-loaded", None)
    if loaded is None and st.session_state.get("what-of") == dataset.id and "what-items" in st.session_state:
        return
    st.session_state["what-of"] = dataset.id
    scenario = loaded or Scenario()
    st.session_state["what-items"] = scenario.items_a_month
    st.session_state["what-months"] = scenario.months
    st.session_state["what-batch"] = scenario.batch
    for name, *_ in _PRICES:
        value = getattr(scenario, name)
        is_usual = value == Scenario.model_fields[name].default  # an hour or a label for nothing is not
        st.session_state[f"what-{name}"] = None if is_usual else float(value)
    for model in models:
        for kind in _KINDS:
            value = getattr(scenario.tokens.get(model), kind, None)
            st.session_state[f"what-{model}-{kind}"] = None if value is None else float(value)


def _volume(place: Any) -> int:
    steps = sorted({*VOLUMES, int(st.session_state.get("what-items", Scenario().items_a_month))})
    return int(place.select_slider("Items a month", steps, format_func=lambda value: f"{value:,}", key="what-items"))


def _tokens(model: str) -> dict[str, Decimal]:
    """Dollars per million tokens of a model; empty = as booked. A price of the input alone is none yet."""
    with st.expander(f"Token prices of {words.plain(model)}, $ per million"):
        columns = st.columns(len(_KINDS))
        given = {
            kind: column.number_input(
                label, min_value=0.0, value=None, key=f"what-{model}-{kind}", placeholder="as booked", format="%.6g"
            )
            for column, (kind, label) in zip(columns, _KINDS.items(), strict=True)
        }
        prices = {kind: Decimal(repr(value)) for kind, value in given.items() if value is not None}
        if prices and not {"input", "output"} <= set(prices):
            st.caption("Enter input and output tokens both: until then prices are as booked.")
            return {}
    return prices


def keeping(dataset: Dataset, scenario: Scenario) -> None:
    """Keep the scenario under a name; load or delete one that is kept."""
    kept = {each.id: each for each in actions.kept(dataset.id)}
    left, right = st.columns(2, gap="large")
    with left.form("what-save", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Keep this scenario as", max_chars=actions.LONGEST_NAME, placeholder="a name")
        if st.form_submit_button("Save", icon=":material/bookmark:", **widgets.allowed(Verb.SAVE_SCENARIO)):
            saved = actions.save(dataset.id, name, scenario)
            st.toast(f"{words.plain(saved.name)} is kept.")
            st.rerun()
    if kept:
        with right, st.container(horizontal=True, vertical_alignment="bottom"):
            _kept(kept)


def _kept(kept: dict[int, SavedScenario]) -> None:
    names = {key: each.name for key, each in kept.items()}
    made = {key: each.created_at for key, each in kept.items()}
    chosen = pickers.one("Kept scenarios", names, made=made, key="what-kept")
    if st.button("Load", icon=":material/upload:", key=f"what-load-{chosen}"):
        st.session_state["what-loaded"] = what_if.parse(kept[chosen].settings)
        st.rerun()
    question, may = f"Delete the scenario **{words.plain(names[chosen])}**?", _deletable(kept[chosen])
    if widgets.is_sure("Delete", question, key=f"what-delete-{chosen}", may=may):
        actions.delete(chosen)
        st.rerun()


def _deletable(scenario: SavedScenario) -> dict[str, Any]:
    return widgets.allowed(Verb.DELETE_SCENARIO, scenario)


def summary(scenario: Scenario) -> str:
    """The volume in words."""
    volume = formats.count(scenario.items_a_month, "item")
    return f"{volume} a month over {formats.count(scenario.months, 'month')}"
