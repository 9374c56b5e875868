"""The editor of prompts: a version, its texts, a preview with a real product, what it costs, what changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard.parts.run import choose as run_choose
from dashboard.shared import formats, forms, keeping, navigation, pickers, reads, widgets, words
from dashboard.shared.forms import Choices
from db.errors import UserError
from db.types import Dataset, DatasetState, Endpoint, PromptVersion, Split, Verb
from worker import specs
from worker.endpoints import actions as endpoint_actions
from worker.prompts import actions, token_count

ITEMS = 100
"""Products to choose from for a preview."""

ANSWER_TOKENS = 4
"""A price as an answer, where the model's own is not known."""

VARIABLES = {
    "product": "Title, brand, category and description on lines of their own; empty ones are left out. Delimit it: it "
    "was written by strangers.",
    "title, description, category, brand": "The same, one by one.",
    "examples": "Priced products from the train side: each has product, price and similarity. Only of techniques that "
    "give examples.",
    "neighbours": "The most similar known products: product, price and similarity. Only of RAG.",
    "stats": "Prices of the category on the train side: count, median, p25, p75; may be empty, so ask with if first.",
    "attributes": "JSON that the first step of a chain found.",
    "price|dollars": "A filter that writes a price as 1,234.50 or 12.",
}


PARTS = {
    "examples": "Examples",
    "neighbours": "Neighbours",
    "attributes": "Attributes of a chain",
    "stats": "Prices of the category",
}


@dataclass(frozen=True)
class Draft:
    name: str
    system: str
    template: str


def choose(every: Sequence[PromptVersion]) -> PromptVersion:
    """A version of a prompt; the newest of a name at first."""
    names = {prompt.name: prompt.name for prompt in every}
    left, right = st.columns([1, 2], gap="large")
    handed = st.session_state.pop("prompt-saved", None)
    if handed in names:
        st.session_state["prompt-name"] = handed
    name = pickers.one("Prompt", names, first="question", key="prompt-name", place=left)
    versions = {prompt.ref: prompt for prompt in every if prompt.name == name}
    told = {ref: _about(prompt) for ref, prompt in versions.items()}
    return versions[pickers.one("Version", told, key=f"prompt-version-{name}-{len(versions)}", place=right)]


def _about(prompt: PromptVersion) -> str:
    when = f"{prompt.created_at:%Y-%m-%d %H:%M} UTC" if prompt.created_at else "comes with Pricewright"
    marks = [str(prompt.version), when, prompt.note, "archived" if prompt.archived_at else ""]
    return " · ".join(filter(None, marks))


def edit(prompt: PromptVersion) -> Draft:
    """The two texts, with the variables explained beside them."""
    system = st.text_area(
        "System message", prompt.system, height=110, key=f"system-{prompt.ref}",
        help="Sent as it is, the same for every product. A model without roles reads it first.",
    )  # fmt: skip
    template = st.text_area(
        "Prompt", prompt.template, height=420, key=f"template-{prompt.ref}",
        help="Jinja: {{ product }} puts a variable in, {% if %} and {% for %} choose and repeat. It must end in words "
        "after the product, where the answer goes on.",
    )  # fmt: skip
    with st.expander("What can stand in a prompt"):
        for name, about in VARIABLES.items():
            st.markdown(f"`{name}` — {about}")
    return Draft(prompt.name, system, template)


def preview(draft: Draft, dataset: Dataset | None, endpoints: Sequence[Endpoint]) -> None:
    """The draft with a real product in it, as it would be sent, its tokens and its price."""
    item = _item(dataset)
    parts = st.pills(
        "As a technique would fill it in, with samples of", list(PARTS), selection_mode="multi",
        format_func=PARTS.__getitem__, key="prompt-parts",
        help="None of them: as the technique “Prompt, no examples” asks.", wrap=True,
    )  # fmt: skip
    try:
        shown = actions.preview(draft.system, draft.template, item, parts)
    except UserError as error:
        st.error(words.plain(str(error)), icon=":material/error:")
        return
    if shown.flag:
        st.warning(words.plain(f"This product's text looks like instructions to the model: {shown.flag}"))
    model = forms.model_choice("prompt-model", Choices(run_choose.models(endpoints)), "Count tokens and money for")
    st.info(words.md(takes(model, shown.rendered.system + shown.rendered.user, endpoints)), icon=":material/payments:")
    if shown.rendered.system:
        st.caption("System message")
        st.code(shown.rendered.system, language=None, wrap_lines=True)
        st.caption("Message")
    st.code(shown.rendered.user, language=None, wrap_lines=True)


def _item(dataset: Dataset | None) -> dict[str, str] | None:
    """A product of the dataset; None for a sample."""
    if dataset is None or dataset.state is not DatasetState.READY:
        st.caption("Shown with a sample product; with a dataset you could choose one of yours.")
        return None
    frame = reads.first_items(dataset.id, Split.TEST if dataset.splits.get(Split.TEST) else None, ITEMS)
    lines = {line["row"]: line for line in frame.iter_rows(named=True)}
    names = {row: f"row {row} · {line['title']}" for row, line in lines.items()}
    row = pickers.one("Preview with", names, key=f"prompt-item-{dataset.id}")
    return {name: lines[row][name] for name in ("title", "description", "category", "brand")}


def takes(model: str, text: str, endpoints: Sequence[Endpoint]) -> str:
    """Tokens and money of a prompt, in a sentence."""
    endpoint, _, model_id = model.partition(":")
    at_endpoint = specs.is_endpoint_model(model)
    counted = token_count.tokens(model_id if at_endpoint else model, [text])
    tokens = counted.tokens[0]
    name = words.plain(words.model_name(model))
    said = f"**{'' if counted.is_exact else 'about '}{formats.count(tokens, 'token')}** for {name}"
    if not at_endpoint:
        return f"{said}; it runs on the worker and costs machine time, which the Run page estimates."
    known = {each.name: each for each in endpoints}
    tariff = endpoint_actions.price(endpoint, model_id) if endpoint in known else None
    if tariff is None:
        return f"{said}; what they cost is unknown: give its price on the Endpoints page."
    answer = known[endpoint].model(model_id).abilities.get("answer_tokens", ANSWER_TOKENS)
    money = formats.usd(tariff.usd(tokens * 1000, 0, int(answer) * 1000))
    return (
        f"{said}; **{money} per 1,000 items** like this one, {formats.count(int(answer), 'token')} of answer included."
    )


def save(draft: Draft, prompt: PromptVersion) -> None:
    """Saves the draft as the next version of a name, with a note that says what is new."""
    with st.form("save-prompt"):
        left, right = st.columns([1, 2])
        name = left.text_input(
            "Save as", draft.name, key=f"save-name-{prompt.ref}", help="An old name gets a new version."
        )
        note = right.text_input("What is new", placeholder="for who reads the list of versions", key="save-note")
        if st.form_submit_button(
            "Save as a new version", icon=":material/save:", type="primary", **widgets.allowed(Verb.SAVE_PROMPT)
        ):
            saved = actions.save(name, draft.system, draft.template, note)
            st.session_state["prompt-saved"] = saved.name
            st.session_state["prompt-told"] = f"{saved.name} has version {saved.version} now; no run of before changes."
            st.rerun()
    if told := st.session_state.pop("prompt-told", None):
        st.success(words.plain(told), icon=":material/check:")


def use(prompt: PromptVersion, draft: Draft) -> None:
    """Hands the chosen version to the Run page; what is edited must be saved first."""
    changed = (prompt.system, prompt.template) != (draft.system, draft.template)
    if st.button(
        f"Use {words.plain(prompt.ref)} on the Run page", icon=":material/play_circle:", disabled=changed,
        help="Save your changes first: a run records the exact version." if changed else None,
    ):  # fmt: skip
        st.session_state[run_choose.PROMPT] = prompt.ref
        navigation.go(navigation.RUN)


_VERBS = keeping.Verbs(None, None, actions.archive, actions.restore)


def keep(prompt: PromptVersion) -> None:
    """The archive of a prompt that somebody saved, and the button that deletes it, or why it can't be."""
    if not actions.is_own(prompt.name):
        return  # techniques ask with it where nobody names another one
    with st.expander("Archive or delete this prompt"):
        rights = keeping.rights(prompt, Verb.SAVE_PROMPT, Verb.ARCHIVE_PROMPT, Verb.RESTORE_PROMPT)
        keeping.form("prompt", prompt.name, prompt.name, "", prompt.archived_at, _VERBS, rights)
        if why := actions.needed(prompt.name):
            st.caption(words.plain(why))
        elif widgets.is_sure(
            "Delete",
            f"Delete **{words.plain(prompt.name)}** and all its versions? No job named it. This can't be undone.",
            key=f"delete-prompt-{prompt.name}",
            may=widgets.allowed(Verb.DELETE_PROMPT, prompt),
        ):
            actions.delete(prompt.name)
            st.session_state.pop("prompt-name", None)
            st.rerun()


def differences(every: Sequence[PromptVersion], prompt: PromptVersion) -> None:
    """What changed between two versions, of one name or of two."""
    refs = {each.ref: each.ref for each in every}
    older = next((each.ref for each in every if each.name == prompt.name and each.version < prompt.version), prompt.ref)
    left, right = st.columns(2)
    first = pickers.one("From", refs, first=older, key=f"diff-from-{prompt.ref}", place=left)
    second = pickers.one("To", refs, first=prompt.ref, key=f"diff-to-{prompt.ref}", place=right)
    text = actions.diff(first, second)
    if text:
        st.code(text, language="diff", wrap_lines=True)
    else:
        st.caption(
            "They say the same. Change the words above and save them; here you see what the new version changes."
        )
