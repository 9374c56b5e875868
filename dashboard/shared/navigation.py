"""The way through the pages: where they lie, the dataset they share, and how one leads to the next."""

import streamlit as st

from dashboard.shared import words


def path(noun: str) -> str:
    """Where the page of a noun lies, for Streamlit."""
    return f"app_pages/{noun}.py"


DATA, RUN, JOBS, TRADEOFFS, RESULTS = map(path, ("data", "run", "jobs", "tradeoffs", "results"))
COMPARE, PROMPTS, ENDPOINTS, WHAT_IF = map(path, ("compare", "prompts", "endpoints", "what_if"))
KNOWLEDGE, FINETUNE, ADAPTERS, DATA_NEED, RACE = map(path, ("knowledge", "finetune", "adapters", "data_need", "race"))
LEAKAGE, PRICE_CHECK, ADVISOR, GUESS, RATES = map(path, ("leakage", "price_check", "advisor", "guess", "rates"))

PRICERS, BATCHES, AUDIT = map(path, ("pricers", "batches", "audit"))
STORAGE, NOTIFICATIONS = map(path, ("storage", "notifications"))

CHOSEN, PICKER, ARCHIVED = "dataset_id", "dataset_picker", "shows_archived"


def shows_archived() -> bool:
    """Whether this session asked for what is archived, too."""
    return bool(st.session_state.get(ARCHIVED))


def choose(dataset_id: int) -> None:
    """Make this the dataset of all pages, in the session and in the address."""
    st.session_state[CHOSEN] = dataset_id
    st.query_params["dataset"] = str(dataset_id)


def forget() -> None:
    """Choose no dataset; the next page takes the newest."""
    st.session_state.pop(CHOSEN, None)
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
    return {"dataset": str(st.session_state[CHOSEN])} if CHOSEN in st.session_state else {}


def go(page: str) -> None:
    st.switch_page(page, query_params=_address())
