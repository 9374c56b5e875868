"""Widgets that several pages share: the dataset picker, errors as sentences, empty states, downloads."""

import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import polars as pl
import streamlit as st

from dashboard.shared import drawing, pickers, reads, words
from dashboard.shared.chart_style import Chart
from dashboard.shared.drawing import Drawn
from dashboard.shared.navigation import CHOSEN, DATA, PICKER, choose, next_step, shows_archived
from db import access
from db.engine import DatabaseAway
from db.errors import UserError
from db.types import Dataset, DatasetState, Verb
from worker import amounts
from worker.datasets import money, weights
from worker.evaluation.certainty import TOLERANCES, USUAL_TOLERANCE
from worker.evaluation.measures import Measure
from worker.pricing import export

log = logging.getLogger(__name__)


@contextmanager
def tell_errors() -> Iterator[None]:
    """Tells whatever goes wrong inside in one sentence; the traceback goes to the log."""
    try:
        yield
    except UserError as error:
        st.error(words.plain(str(error)), icon=":material/error:")
    except DatabaseAway:
        log.exception("The database does not answer.")
        st.error("The database does not answer; wait a moment and reload the page.", icon=":material/cloud_off:")
    except Exception:
        log.exception("A page failed.")
        st.error("Something went wrong on our side; the dashboard's log has the details.", icon=":material/error:")


def allowed(
    verb: Verb, of: object | None = None, *, about: str | None = None, disabled: bool = False
) -> dict[str, Any]:
    """Options of a control that does a verb to a thing: where whoever looks may not, it can't be pressed, and says who
    may instead of what it is `about`."""
    why = access.may(verb, of)
    return {"disabled": disabled or bool(why), "help": words.plain(why) or about}


JOB_VERBS = {
    "Pause": Verb.PAUSE_JOB, "Resume": Verb.RESUME_JOB, "Cancel": Verb.CANCEL_JOB, "Retry": Verb.RETRY_JOB,
    "Stop, keep the best": Verb.STOP_TRAINING, "Go on": Verb.RETRY_JOB, "Start anew (paid again)": Verb.RETRY_JOB,
}  # fmt: skip
"""What the buttons of a job at work do, by their labels."""


def prices(label: str, values: Iterable[float | None], about: str | None = None) -> Any:
    """A column of a table for prices like `values`, in the dataset's currency, with the digits that they need."""
    return st.column_config.NumberColumn(label, format=amounts.column_format(values), help=about)


def dollars(label: str, values: Iterable[float | None], about: str | None = None) -> Any:
    """A column of a table for dollars that techniques cost, whatever the dataset's currency is."""
    with amounts.written_in(amounts.DOLLARS):
        return prices(label, values, about)


def title(name: str, about: str) -> None:
    """The title of a page, and a sentence below it."""
    st.title(name, anchor=False)
    st.caption(about)


def header(name: str, about: str) -> Dataset | None:
    """The page's title with one sentence, and the dataset that all pages share; None when there is none."""
    wanted = st.query_params.get("dataset", "")
    chosen = wanted or str(st.session_state.get(CHOSEN, ""))
    known = [
        each
        for each in reads.datasets(archived=True)
        if each.archived_at is None or shows_archived() or str(each.id) == chosen
    ]
    left, right = st.columns([3, 1.4], vertical_alignment="bottom", gap="large")
    with left:
        title(name, about)
    if not known:
        return None
    if wanted and wanted not in {str(dataset.id) for dataset in known}:
        st.warning(f"There is no dataset {words.plain(wanted)}; this is another one.", icon=":material/search_off:")
    with right:
        return _pick(known, wanted)


def _pick(datasets: list[Dataset], address: str) -> Dataset:
    """The dataset chosen: the address (?dataset=3) wins over what this session chose before, and that over the newest
    ready one."""
    known = {dataset.id: dataset for dataset in datasets}
    ready = [dataset.id for dataset in datasets if dataset.state is DatasetState.READY]
    wanted = int(address) if address.isdecimal() else st.session_state.get(CHOSEN)
    chosen = wanted if wanted in known else (ready or list(known))[0]
    st.session_state[PICKER] = chosen
    names = {dataset.id: words.dataset_name(dataset) for dataset in datasets}
    made = {dataset.id: dataset.created_at for dataset in datasets}
    pickers.one("Dataset", names, made=made, key=PICKER, on_change=_picked)
    choose(chosen)
    write_prices_as(known[chosen])
    return known[chosen]


def write_prices_as(dataset: Dataset) -> None:
    """Write prices from here on as those of a dataset."""
    amounts.write_in(money.of(dataset))


def fragment(show: Callable[..., None], run_every: float | None = None) -> Callable[..., None]:
    """A part of a page that runs again by itself, in a thread of its own; prices in it are written as on the page."""
    how = amounts.money()

    @functools.wraps(show)
    def shown(*about: Any) -> None:
        with amounts.written_in(how):
            show(*about)

    return st.fragment(shown, run_every=run_every)


def _picked() -> None:
    choose(st.session_state[PICKER])


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


def weights_column(dataset: Dataset) -> str:
    """The column by whose weights to compare, as a switch says; "" where there is none, or rows count alike."""
    column = weights.column(dataset)
    if not column:
        return ""
    about = (
        "Errors and verdicts are weighted means: a row of weight 3 counts as three. Costs and times are not weighted."
    )
    label = f"Weighted by {words.plain(column)}"
    return column if st.toggle(label, value=True, key=f"weighted-{dataset.id}", help=about) else ""


def is_sure(verb: str, question: str, *, key: str, may: Mapping[str, Any] = MappingProxyType({})) -> bool:
    """A button that asks once more; whether the person is sure. `question` is Markdown and names what is acted on.

    `key` names it too: after the act the next thing has a window of its own, which is closed, so that a second click
    meets nothing. may: `allowed` of the verb.
    """
    with st.popover(verb, icon=":material/delete:", key=f"sure-{key}", **may):
        st.markdown(question)
        return st.button(f"{verb} it", type="primary", key=key)


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


def table(frame: Any, **how: Any) -> Any:
    """`st.dataframe` as every table of ours is shown: without numbers of lines, a dash where there is nothing."""
    return st.dataframe(frame, hide_index=True, placeholder=amounts.NOTHING, **how)


def downloads(name: str, fetch: Callable[[], pl.DataFrame], endings: Sequence[str] = tuple(export.FORMATS)) -> None:
    """A button per format. The file is made only when a button is pressed."""
    with st.container(horizontal=True):
        for ending in endings:
            form = export.FORMATS[ending]
            st.download_button(
                form.label,
                lambda form=form: form.bytes_of(fetch()),  # type: ignore[misc]
                file_name=f"{name}{ending}",
                mime=form.mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"download-{name}-{ending.removeprefix('.')}",
            )


def chart(drawn: Chart | Drawn, name: str, *, key: str = "") -> None:
    """A chart, and below it the buttons that take it away as a picture, which is drawn only when one is pressed.

    `name`: of the file; `key` tells the chart from others of that name on the page.
    """
    key = key or name
    drawn = drawing.in_currency(drawn, amounts.money().prefix)
    if isinstance(drawn, Drawn):
        st.vega_lite_chart(spec=dict(drawn.spec), key=key)
    else:
        st.altair_chart(drawn, key=key)
    file = f"pricewright-{name}" + (f"-dataset-{st.session_state[CHOSEN]}" if CHOSEN in st.session_state else "")
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        for label, draw, mime in (("SVG", drawing.svg, "image/svg+xml"), ("PNG", drawing.png, "image/png")):
            st.download_button(
                label,
                lambda draw=draw: draw(drawn.chart if isinstance(drawn, Drawn) else drawn),  # type: ignore[misc]
                file_name=f"{file}.{label.lower()}",
                mime=mime,
                type="tertiary",
                icon=":material/image:",
                on_click="ignore",
                key=f"{label.lower()}-{key}",
                help=f"This chart as a picture ({label}).",
            )


def once(draw: Callable[..., Chart], *about: Any) -> Drawn:
    """draw(*about), drawn once for all who look at the same."""
    return _drawn(draw, f"{draw.__module__}.{draw.__qualname__}", amounts.money().prefix, *about)


# Streamlit's own hash of a frame leaves out all but its first and last lines.
@st.cache_resource(
    max_entries=200,
    show_spinner=False,
    hash_funcs=reads.BY_TEXT | {pl.DataFrame: drawing.fingerprint, Measure: lambda measure: measure.key},
)
def _drawn(_draw: Callable[..., Chart], name: str, prefix: str, *about: Any) -> Drawn:
    """name: tells what draws from others; prefix: of the currency that its titles name."""
    del name, prefix
    return drawing.drawn(_draw(*about))


def tolerance(*, key: str) -> float:
    """How far a price may be off and still count as a hit, chosen by a person: a share of the true price."""
    chosen = st.segmented_control(
        "A hit is within",
        list(TOLERANCES),
        default=USUAL_TOLERANCE,
        required=True,
        format_func=lambda share: f"±{share:.0%}",
        key=key,
    )
    return float(chosen)
