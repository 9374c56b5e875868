"""The form of a spec: what comes first, what hides under "More settings", which models and prompts are offered."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic.fields import FieldInfo

from dashboard.shared import pickers, words
from db.types import Adapter
from worker import amounts, specs
from worker.specs import BaseSpec
from worker.specs.base import PRICE
from worker.specs.combined import MOST

OTHER = "Another one …"
MODEL = "run-model"
"""Key of the model that all techniques on the Run page start with."""


@dataclasses.dataclass(frozen=True)
class Choices:
    """What a form offers: models as specs name them, and prompts ("name" or "name@version")."""

    models: Sequence[str] = specs.MODELS
    prompts: Sequence[str] = ("auto",)
    model: str = specs.MODELS[0]
    """Chosen at first."""
    adapters: Sequence[Adapter] = ()
    adapter: str = ""
    """Number of the one that is chosen at first; empty = the first of them."""
    members: Mapping[str, BaseSpec] = dataclasses.field(default_factory=dict)
    """What an ensemble or a cascade can be made of: a name or a job's number -> spec."""
    usual_members: Sequence[str] = ()
    """Those that are chosen at first."""
    first: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Field -> what it holds at first, in place of its default."""


def spec_form(technique: str, choices: Choices | None = None) -> BaseSpec:
    """Inputs for the fields of a technique's spec, from its titles, descriptions and bounds. Raises UserError.

    A field that means something only for a model behind an endpoint is asked for only when one is chosen, and none
    that something else decides.
    """
    kind = specs.SPECS[technique]
    choices = choices or Choices()
    values: dict[str, Any] = {"technique": technique}
    fields = {name: kind.model_fields[name] for name in specs.asked_fields(kind)}
    at_endpoint: bool | None = None
    if "model" in fields:
        left, right = st.columns(2)
        with left:
            values["model"] = model_choice(f"spec-{technique}-model", choices)
        if "prompt" in fields:
            with right:
                values["prompt"] = _choice(
                    f"spec-{technique}-prompt", fields["prompt"], choices.prompts, fields["prompt"].default
                )
        at_endpoint = specs.is_endpoint_model(values["model"])
    rest = {
        name: field
        for name, field in fields.items()
        if name not in values and (at_endpoint is not False or not endpoint_only(field))
    }
    _grid(technique, {name: field for name, field in rest.items() if name not in kind.rare}, values, choices)
    more = {name: field for name, field in rest.items() if name in kind.rare}
    if more:
        with st.expander("More settings"):
            _grid(technique, more, values, choices)
    return specs.parse(values)


def endpoint_only(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("endpoint_only"))


def model_choice(key: str, choices: Choices, label: str = "Model") -> str:
    """A model that is known, or any other in words."""
    names = {model: words.model_name(model) for model in (*choices.models, choices.model, OTHER)}
    chosen = pickers.one(
        label, names, first=choices.model, key=key,
        help="Models that come as packages run on the worker and cost machine time; models of an endpoint cost what "
        "its tariff says.",
    )  # fmt: skip
    if chosen != OTHER:
        return chosen
    said = st.text_input(
        "Which one", key=f"{key}-other", placeholder="/folder/of/a/model or endpoint:model",
        help="A folder with a model that the worker can read, or ENDPOINT:MODEL for one that its endpoint does not "
        "list.",
    )  # fmt: skip
    return said.strip() or choices.model


def _grid(technique: str, fields: dict[str, FieldInfo], values: dict[str, Any], choices: Choices) -> None:
    columns = st.columns(2)
    for place, (name, field) in enumerate(fields.items()):
        key = f"spec-{technique}-{name}"
        with columns[place % 2]:
            if name == "extract_prompt":
                values[name] = _choice(key, field, choices.prompts[1:], field.default)
            elif name == "adapter":
                values[name] = _adapter(key, field, choices)
            elif name == "members":
                values[name] = _members(key, field, choices)
            else:
                values[name] = field_input(key, name, field, choices.first.get(name))


def _adapter(key: str, field: FieldInfo, choices: Choices) -> str:
    known = {adapter.id: words.adapter_name(adapter) for adapter in choices.adapters}
    chosen = pickers.one(
        str(field.title), known, first=choices.adapter, key=key,
        placeholder="Train one first", help="It brings its model, its prompt and its neighbours along.",
    )  # fmt: skip
    return chosen or ""


def _members(key: str, field: FieldInfo, choices: Choices) -> list[dict[str, Any]]:
    """Techniques with their usual settings, and those that jobs of this dataset priced with, as they did."""
    known = choices.members or {spec.technique: spec for spec in field.default}
    chosen = pickers.several(
        str(field.title), {ref: specs.describe(spec) for ref, spec in known.items()},
        first=choices.usual_members or list(known), key=key, max_selections=MOST,
        help="Those that priced this dataset already cost nothing again: their answers are used.",
    )  # fmt: skip
    return [known[ref].model_dump(mode="json") for ref in chosen]


def _choice(key: str, field: FieldInfo, options: Sequence[str], default: str) -> str:
    names = {ref: words.prompt_name(ref) for ref in (default, *options)}
    return pickers.one(str(field.title), names, key=key, help=field.description)


def field_input(key: str, name: str, field: FieldInfo, value: Any = None) -> Any:
    """The input that fits a field's type and bounds. `value`: what it starts with, if not with the field's default."""
    label = field.title or name.replace("_", " ").capitalize()
    if field.json_schema_extra == PRICE:
        label += amounts.unit()
    kind, help_text = field.annotation, field.description
    first = field.default if value is None else value
    if get_origin(kind) is Literal:
        options = list(get_args(kind))
        return st.selectbox(
            label, options, index=options.index(first), key=key, help=help_text,
            format_func=lambda option: words.CHOICES.get(option, option),
        )  # fmt: skip
    if kind is bool:
        return st.toggle(label, value=first, key=key, help=help_text)
    if kind in (int, float):
        whole = kind is int
        low, high = _bounds(field, whole)
        if whole:
            return st.number_input(label, low, high, first, step=1, key=key, help=help_text)
        step = _step(first)
        return st.number_input(label, low, high, float(first), step=step, format="%.10g", key=key, help=help_text)
    return st.text_input(label, value=str(first), key=key, help=help_text)


def _bounds(field: FieldInfo, whole: bool) -> tuple[Any, Any]:
    """Smallest and largest allowed value; an open bound of a decimal is moved inside by a hair."""
    low = high = None
    for rule in field.metadata:
        hair = 1 if whole else 1e-6
        low = getattr(rule, "ge", low) if hasattr(rule, "ge") else rule.gt + hair if hasattr(rule, "gt") else low
        high = getattr(rule, "le", high) if hasattr(rule, "le") else rule.lt - hair if hasattr(rule, "lt") else high
    convert = int if whole else float
    return (None if low is None else convert(low)), (None if high is None else convert(high))


def _step(default: float) -> float:
    """A tenth of the default, rounded to a power of ten."""
    return float(10.0 ** int(f"{default:e}".split("e")[1]) / (1 if default >= 1 else 10)) if default else 0.1
