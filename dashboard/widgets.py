"""What do several pages share? The dataset picker, errors as sentences, empty states, forms from specs, downloads."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, get_args, get_origin

import polars as pl
import streamlit as st
from pydantic.fields import FieldInfo

from dashboard import reads, words
from db.engine import DatabaseAway
from db.errors import UserError
from db.types import Dataset, DatasetState
from worker import export, specs
from worker.actions import Estimate
from worker.specs import BaseSpec

log = logging.getLogger(__name__)

DATA, RUN, JOBS, TRADEOFFS, RESULTS = (
    f"app_pages/{name}.py" for name in ("data", "run", "jobs", "tradeoffs", "results")
)

_CHOSEN, _PICKER = "dataset_id", "dataset_picker"


@contextmanager
def told() -> Iterator[None]:
    """Whatever goes wrong inside is told in one sentence; the traceback goes to the log."""
    try:
        yield
    except UserError as error:
        st.error(words.md(str(error)), icon=":material/error:")
    except DatabaseAway:
        log.exception("The database does not answer.")
        st.error("The database does not answer; wait a moment and reload the page.", icon=":material/cloud_off:")
    except Exception:
        log.exception("A page failed.")
        st.error("Something went wrong on our side; the dashboard's log has the details.", icon=":material/error:")


def header(title: str, about: str) -> Dataset | None:
    """The page's title with one sentence, and the dataset that all pages share; None when there is none."""
    found = reads.datasets()
    left, right = st.columns([3, 1.4], vertical_alignment="bottom", gap="large")
    left.title(title, anchor=False)
    left.caption(about)
    if not found:
        return None
    asked = st.query_params.get("dataset", "")
    if asked and asked not in {str(dataset.id) for dataset in found}:
        st.warning(f"There is no dataset {words.plain(asked)}; this is another one.", icon=":material/search_off:")
    with right:
        return _pick(found, asked)


def _pick(found: list[Dataset], asked: str) -> Dataset:
    """The address (?dataset=3) wins over what this session chose before, and that over the newest ready one."""
    known = {dataset.id: dataset for dataset in found}
    ready = [dataset.id for dataset in found if dataset.state is DatasetState.READY]
    wanted = int(asked) if asked.isdecimal() else st.session_state.get(_CHOSEN)
    chosen = wanted if wanted in known else (ready or list(known))[0]
    st.session_state[_PICKER] = chosen
    st.selectbox(
        "Dataset", known, format_func=lambda key: words.dataset_name(known[key]), key=_PICKER, on_change=_picked
    )
    choose(chosen)
    return known[chosen]


def _picked() -> None:
    choose(st.session_state[_PICKER])


def choose(dataset_id: int) -> None:
    """Make this the dataset of all pages, in the session and in the address."""
    st.session_state[_CHOSEN] = dataset_id
    st.query_params["dataset"] = str(dataset_id)


def forget() -> None:
    """Choose no dataset; the next page takes the newest."""
    st.session_state.pop(_CHOSEN, None)
    st.query_params.pop("dataset", None)


def next_step(sentence: str, page: str, label: str, icon: str, *, about: str = "") -> None:
    """An empty state or the end of a page: what there is to do next, and the button that leads there."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.markdown(f"#### {words.plain(sentence)}", width="content", text_alignment="center")
        if about:
            st.caption(about, width="content", text_alignment="center")
        if st.button(label, icon=icon, type="primary", key=f"next-{page}"):
            go(page)
        st.space("small")


def _address() -> dict[str, str]:
    return {"dataset": str(st.session_state[_CHOSEN])} if _CHOSEN in st.session_state else {}


def go(page: str) -> None:
    st.switch_page(page, query_params=_address())


def ready(dataset: Dataset | None) -> Dataset | None:
    """The dataset if it can be worked with; otherwise says what to do and returns None."""
    if dataset is None:
        next_step("There is no product table yet.", DATA, "Upload one, or load the demo", ":material/upload_file:")
        return None
    if dataset.state is not DatasetState.READY:
        state = words.DATASET_STATES[dataset.state]
        next_step(f"{dataset.name} is not loaded yet: it is {state}.", DATA, "Go on with it", ":material/table:")
        return None
    if dataset.is_synthetic:
        st.caption(f":material/science: {words.SYNTHETIC}")
    return dataset


def worker_warning() -> None:
    """Says plainly when nobody is there to do the work."""
    if reads.workers().is_empty():
        st.warning(
            "No worker is running, so nothing moves. `pricewright up` starts one; what you start here waits for it.",
            icon=":material/engineering:",
        )


def badge(state: str) -> None:
    label, colour, icon = words.STATES[state]
    st.badge(label, color=colour, icon=icon)


def spec_form(technique: str) -> BaseSpec:
    """Inputs for every field of a technique's spec, from its titles, descriptions and bounds."""
    kind = specs.SPECS[technique]
    values: dict[str, Any] = {"technique": technique}
    fields = [(name, field) for name, field in kind.model_fields.items() if name != "technique"]
    columns = st.columns(2)
    for place, (name, field) in enumerate(fields):
        with columns[place % 2]:
            values[name] = _input(f"spec-{technique}-{name}", name, field)
    return specs.parse(values)


def _input(key: str, name: str, field: FieldInfo) -> Any:
    label = field.title or name.replace("_", " ").capitalize()
    kind, help_text = field.annotation, field.description
    if get_origin(kind) is Literal:
        options = list(get_args(kind))
        return st.selectbox(label, options, index=options.index(field.default), key=key, help=help_text)
    if kind is bool:
        return st.toggle(label, value=field.default, key=key, help=help_text)
    if kind in (int, float):
        whole = kind is int
        low, high = _bounds(field, whole)
        if not whole:
            return st.number_input(
                label,
                low,
                high,
                float(field.default),
                step=_step(field.default),
                format="%.4g",
                key=key,
                help=help_text,
            )
        return st.number_input(label, low, high, field.default, step=1, key=key, help=help_text)
    return st.text_input(label, value=str(field.default), key=key, help=help_text)


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


_ESTIMATE = {
    "Technique": st.column_config.TextColumn(width="medium"),
    "Rests on": st.column_config.TextColumn(width="large"),
}


def estimate_table(estimates: Sequence[Estimate]) -> None:
    """What each planned job would take; a job that was run before takes nothing."""
    table = pl.DataFrame(
        {
            "Technique": [specs.describe(each.spec) for each in estimates],
            "Rows": [each.items for each in estimates],
            "Learning": [words.duration(each.fixed_seconds) if each.spec.needs_fit else "none" for each in estimates],
            "Learning $": [words.usd(each.fixed_usd) for each in estimates],
            "Pricing": [words.duration(each.seconds) for each in estimates],
            "Pricing $": [words.usd(each.usd) for each in estimates],
            "Total $": [words.usd(each.usd + each.fixed_usd) for each in estimates],
            "Rests on": [
                each.basis if each.reuses is None else f"Already there: job {each.reuses}, costs nothing more."
                for each in estimates
            ],
        }
    )
    st.dataframe(table, hide_index=True, column_config=_ESTIMATE)


_FORMATS: dict[str, tuple[str, Callable[[pl.DataFrame], bytes], str]] = {
    "CSV": ("csv", export.to_csv, "text/csv"),
    "Excel": ("xlsx", export.to_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "Parquet": ("parquet", export.to_parquet, "application/vnd.apache.parquet"),
}


def downloads(name: str, fetch: Callable[[], pl.DataFrame], formats: tuple[str, ...] = tuple(_FORMATS)) -> None:
    """A button per format. The file is made only when a button is pressed."""
    with st.container(horizontal=True):
        for title in formats:
            ending, convert, mime = _FORMATS[title]
            st.download_button(
                title,
                lambda convert=convert: convert(fetch()),  # type: ignore[misc]
                file_name=f"{name}.{ending}",
                mime=mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"download-{name}-{ending}",
            )
