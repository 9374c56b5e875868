"""What the models of an endpoint can do, when they end, what they cost, and what was paid so far."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import streamlit as st

from dashboard.parts.endpoints import reads as endpoint_reads
from dashboard.shared import formats, pickers, widgets, words
from db.types import Endpoint, EndpointModel, Tariff, Verb
from worker.endpoints import actions

_ABILITIES = {"logprobs": "Probabilities", "json_schema": "Fixed form", "tools": "Tools", "batch": "Batches"}
_SAID = {"True": "yes", "False": "no"}
_PRICES = ("In", "Cached", "Out", "Batch in", "Batch out", "Training")

_TRAINING = "Of tokens that the model is tuned on; may be entered alone. No price list says it."

_number, _text = st.column_config.NumberColumn, st.column_config.TextColumn


def models(endpoint: Endpoint) -> str | None:
    """The models of an endpoint with end, abilities and tariff; returns the chosen one."""
    tariffs = {model.id: actions.price(endpoint.name, model.id) for model in endpoint.models}
    lines = [
        _line(model, tariffs[model.id], actions.training_price(endpoint.name, model.id)) for model in endpoint.models
    ]
    columns = ["Model", "Shuts down", *_ABILITIES.values(), *_PRICES, "Price from"]
    helps = dict.fromkeys(_ABILITIES.values(), "What tests and answers showed; ? = not known yet.")
    helps |= dict.fromkeys(_PRICES, "Dollars per million tokens.")
    picked = widgets.table(
        pl.DataFrame(lines, schema=dict.fromkeys(columns, pl.String), orient="row"),
        on_select="rerun", selection_mode="single-row", key=f"models-{endpoint.name}",
        column_config={name: _text(help=helps.get(name), pinned=name == "Model") for name in columns},
    )  # fmt: skip
    for warning in shutdowns(endpoint.models):
        st.warning(warning, icon=":material/event_busy:")
    rows = picked["selection"]["rows"]
    return endpoint.models[rows[0]].id if rows and rows[0] < len(endpoint.models) else None


def shutdowns(models: Sequence[EndpointModel]) -> list[str]:
    today = datetime.now(UTC).date()
    said = [words.shutdown(words.plain(model.id), model.shutdown_date, today) for model in models]
    return [text for text in said if text]


def _line(model: EndpointModel, tariff: Tariff | None, training: Decimal | None) -> tuple[str, ...]:
    can = tuple(_SAID.get(str(model.abilities.get(key)), "?") for key in _ABILITIES)
    ends = (model.shutdown_date or formats.NOTHING)[:10]
    tuned = formats.known_usd(training)
    if tariff is None:
        return (model.id, ends, *can, *[formats.UNKNOWN] * (len(_PRICES) - 1), tuned, formats.NOTHING)
    since = f", {tariff.valid_from:%Y-%m-%d}" if tariff.valid_from else ""
    source = "entered by hand" if tariff.source == "override" else tariff.source
    prices = (tariff.input, tariff.cached, tariff.output, tariff.batch_input, tariff.batch_output)
    return (model.id, ends, *can, *(formats.usd(price) for price in prices), tuned, source + since)


def price(endpoint: Endpoint, chosen: str | None) -> None:
    """A price of one's own: a contract, or a model that the price list does not know. A new dated entry each time."""
    ids = {model.id: model.id for model in endpoint.models}
    with st.form(f"price-{endpoint.name}", border=True):
        st.markdown("**Enter a price** for a model: a contract of yours, or one that the price list does not know.")
        left, *places = st.columns([2, 1, 1, 1, 1, 1, 1])
        model = pickers.one("Model", ids, first=chosen, key=f"price-model-{endpoint.name}-{chosen}", place=left)
        names = {"input": "In ($/M)", "output": "Out ($/M)", "cached": "Cached ($/M)",
                 "batch_input": "Batch in", "batch_output": "Batch out", "training": "Training ($/M)"}  # fmt: skip
        helps = {"training": _TRAINING}
        empty = {"input": "needed", "output": "needed", "training": "as it was"}
        values = {
            name: place.number_input(label, 0.0, None, None, format="%.4f", key=f"price-{endpoint.name}-{name}",
                                     placeholder=empty.get(name, "as plain"), help=helps.get(name))
            for place, (name, label) in zip(places, names.items(), strict=True)
        }  # fmt: skip
        if st.form_submit_button(
            "Set this price from now on", icon=":material/sell:", **widgets.allowed(Verb.SET_TARIFF)
        ):
            given = {name: Decimal(str(value)) for name, value in values.items() if value is not None}
            training = given.pop("training", None)
            if not {"input", "output"} <= set(given) and (given or training is None):
                st.error("A price needs dollars per million tokens both in and out.", icon=":material/error:")
                return
            if given:
                actions.set_price(endpoint.name, model, **given)
            if training is not None:
                actions.set_training_price(endpoint.name, model, training)
            st.session_state["price-told"] = f"{model} costs what you entered from now on; what was paid before stays."
            st.rerun()
    if told := st.session_state.pop("price-told", None):
        st.success(words.plain(told), icon=":material/check:")


def end(endpoint: Endpoint, chosen: str | None) -> None:
    """The day on which a model is shut down, where a person knows it; verdicts that need the model go by it."""
    ids = {model.id: model.id for model in endpoint.models}
    with st.expander("Enter the day on which a model is shut down"), st.form(f"end-{endpoint.name}", border=False):
        left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
        model = pickers.one("Model", ids, first=chosen, key=f"end-model-{endpoint.name}-{chosen}", place=left)
        day = middle.date_input(
            "Shuts down on", None, key=f"end-day-{endpoint.name}-{chosen}",
            help="Holds over what the endpoint says; empty takes your entry back. A verdict that needs the model is "
            "best before this day.",
        )  # fmt: skip
        if right.form_submit_button(
            "Set this day", icon=":material/event:", **widgets.allowed(Verb.CHANGE_ENDPOINT, endpoint)
        ):
            actions.set_end(endpoint.name, model, day)
            st.rerun()


def spent(endpoint: Endpoint) -> None:
    """What an endpoint's models answered and cost so far, over all jobs."""
    frame = endpoint_reads.spent().filter(pl.col("endpoint") == endpoint.name)
    if frame.is_empty():
        return
    st.subheader("So far", anchor=False)
    shown = frame.select(
        pl.col("model").alias("Model"),
        pl.col("calls").alias("Calls"),
        pl.col("tokens_in").alias("Tokens in"),
        pl.col("tokens_cached").alias("of them cached"),
        pl.col("tokens_out").alias("Out"),
        pl.col("usd").map_elements(formats.known_usd, return_dtype=pl.String, skip_nulls=False).alias("Paid"),
        pl.col("lost_usd").map_elements(formats.usd, return_dtype=pl.String).alias("Lost"),
        pl.col("in_flight").alias("Under way"),
    )
    numbers = {name: _number(format="localized") for name in ("Calls", "Tokens in", "of them cached", "Out")}
    lost = _text(help="The most that calls may have cost which were sent and brought no answer; not in Paid.")
    widgets.table(shown, column_config=numbers | {"Lost": lost})
