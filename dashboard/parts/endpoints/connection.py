"""An endpoint on the page: adding one, its key, its limits, a test in sentences."""

from typing import Any

import streamlit as st

from dashboard.shared import formats, keeping, pickers, widgets, words
from db.types import Endpoint, Verb
from worker.datasets import dependents
from worker.endpoints import actions
from worker.endpoints.presets import OTHER, PRESETS

WHY_NOT_THE_KEY = (
    "Not the key itself: put that into the environment of the worker and of this dashboard (your secret store, or "
    "keys.env beside compose.yaml), under a name that begins with PRICEWRIGHT_KEY_ or the provider's own "
    "(OPENAI_API_KEY …), and write that name here; or add the endpoint without one and enter its key afterwards, which "
    "is kept encrypted. A key belongs to the address: with another one it has to be given again."
)


def add() -> None:
    """A preset, then what it leaves open. Raises UserError."""
    preset = st.pills(
        "What is it?", list(PRESETS), format_func=lambda key: PRESETS[key].label, default=next(iter(PRESETS)),
        key="endpoint-preset", required=True, wrap=True,
    )  # fmt: skip
    known = PRESETS[preset]
    free = "It runs on machines of your own: its tokens cost nothing." if known.is_free else ""
    hint = f"Started with `{known.hint}`." if known.is_free and known.hint else known.hint
    st.caption(words.md(" ".join(part for part in (hint, free) if part)))
    with st.form(f"add-endpoint-{preset}"):
        left, right = st.columns(2)
        name = left.text_input(
            "Name", "" if preset == OTHER else preset, key=f"new-name-{preset}", placeholder="short, of your choice",
            help="Models are called NAME:MODEL.",
        )  # fmt: skip
        url = right.text_input("Base URL", known.base_url, placeholder="https://host/v1", key=f"new-url-{preset}")
        key_env = left.text_input(
            "Environment variable with the key", known.key_env, placeholder="empty = no key", key=f"new-key-{preset}",
            help=WHY_NOT_THE_KEY,
        )  # fmt: skip
        provider = None
        if not known.is_free:
            provider = right.text_input(
                "Whose prices hold", known.provider, key=f"new-provider-{preset}",
                placeholder="empty = only what you enter",
                help="The provider as the price list genai-prices names it: openai, azure, groq …",
            ).strip()  # fmt: skip
        version = left.text_input("API version", key=f"new-version-{preset}") if known.needs_api_version else ""
        values = _limits(f"new-{preset}", None)
        if st.form_submit_button("Add it", type="primary", icon=":material/add:", **widgets.allowed(Verb.ADD_ENDPOINT)):
            actions.add(
                name.strip(), preset, base_url=url.strip(), key_env=key_env.strip(), provider=provider,
                api_version=version.strip(), **values,
            )  # fmt: skip
            st.session_state["endpoint-added"] = name.strip()
            st.rerun()


def _limits(key: str, endpoint: Endpoint | None) -> dict[str, Any]:
    """Inputs for what may be asked of it."""
    one, two, three = st.columns(3)
    minute = one.number_input(
        "Requests per minute", 1, None, endpoint.requests_per_minute if endpoint else None, key=f"{key}-rpm",
        placeholder="as it says", help="Empty: its answers say how fast it may be asked, and we follow.",
    )  # fmt: skip
    at_once = two.number_input(
        "Calls at once, at most", 1, 1024, endpoint.max_concurrency if endpoint else 64, key=f"{key}-concurrency",
        help="How many are under way at a time adapts by itself below this.",
    )  # fmt: skip
    seconds = three.number_input(
        "Seconds until a call is given up", 1.0, 3600.0, endpoint.timeout_seconds if endpoint else 60.0,
        key=f"{key}-timeout",
    )  # fmt: skip
    return {"requests_per_minute": minute, "max_concurrency": at_once, "timeout_seconds": seconds}


def key_state(endpoint: Endpoint) -> None:
    """Whether this process sees the key. The worker has an environment of its own, which a job asks."""
    dropped = st.session_state.pop(_dropped(endpoint), "")
    if st.session_state.pop(_entered_dropped(endpoint), False):
        st.warning(
            "The key that was entered belonged to the old address and is deleted: enter it again below if it is meant "
            "for this one.",
            icon=":material/key_off:",
        )
    if not endpoint.key_env and dropped:
        st.warning(
            f"The key in {words.plain(dropped)} belonged to the old address and is not sent to the new one: name it "
            "again below if it is meant for it.",
            icon=":material/key_off:",
        )
    elif endpoint.key_id and (trouble := actions.key_trouble(endpoint)):
        st.warning(words.plain(trouble), icon=":material/key_off:")
    elif endpoint.key_id:
        st.caption(f":material/key: Its key was entered (••••{words.plain(endpoint.key_last)}) and is kept encrypted.")
    elif not endpoint.key_env:
        st.caption(":material/lock_open: Asked without a key.")
    elif trouble := actions.key_trouble(endpoint):
        st.warning(words.plain(trouble), icon=":material/key_off:")
    else:
        st.caption(f":material/key: The key is in {words.plain(endpoint.key_env)}, and this dashboard sees it.")


def enter_key(endpoint: Endpoint) -> None:
    """The form that takes a key, which nobody is shown again, and the button that takes it away."""
    place = f"enter-key-{endpoint.name}"
    with st.form(place, clear_on_submit=True):
        key = st.text_input(
            f"Key of {words.plain(endpoint.name)}", type="password", key=f"{place}-text", autocomplete="off",
            placeholder=f"••••{endpoint.key_last}" if endpoint.key_id else "",
            help="Kept encrypted, sent to this endpoint's address only, and never shown again.",
        )  # fmt: skip
        may = widgets.allowed(Verb.CHANGE_ENDPOINT, endpoint)
        if st.form_submit_button("Keep this key", icon=":material/key:", **may) and key.strip():
            actions.set_key(endpoint.name, key)
            st.session_state.pop(f"change-key-{endpoint.name}", None)  # the form below names no variable any more
            st.rerun()
    if endpoint.key_id and st.button(
        "Take the key away",
        icon=":material/key_off:",
        key=f"{place}-forget",
        **widgets.allowed(Verb.CHANGE_ENDPOINT, endpoint),
    ):
        actions.forget_key(endpoint.name)
        st.rerun()


def test(endpoint: Endpoint) -> None:
    """Asks the endpoint and tells in sentences what works."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    ids = {model.id: model.id for model in endpoint.models}
    if ids:
        model = pickers.one("Model to test", ids, key=f"test-model-{endpoint.name}", place=left)
    else:
        model = left.text_input(
            "Model to test", key=f"test-model-text-{endpoint.name}", placeholder="the first one that it lists",
            help="Azure and some gateways list no models: name a deployment here.",
        ).strip()  # fmt: skip
    may = widgets.allowed(Verb.TEST_ENDPOINT, endpoint)
    if right.button("Test", icon=":material/network_check:", type="primary", key=f"test-{endpoint.name}", **may):
        with st.spinner(f"Asking {words.plain(endpoint.name)} …"):
            st.session_state[_said(endpoint)] = actions.test(endpoint.name, model)
        st.rerun()
    tested = st.session_state.get(_said(endpoint))
    if tested is not None:
        show = st.success if tested.ok else st.error
        show(
            "\n\n".join(words.plain(each) for each in tested.sentences),
            icon=":material/check:" if tested.ok else ":material/error:",
        )
    elif endpoint.tested_at:
        st.caption(f"Last tested {endpoint.tested_at:%Y-%m-%d %H:%M} UTC.")


def _dropped(endpoint: Endpoint) -> str:
    return f"key-dropped-{endpoint.name}"


def _entered_dropped(endpoint: Endpoint) -> str:
    return f"entered-key-dropped-{endpoint.name}"


def _said(endpoint: Endpoint) -> str:
    return f"tested-{endpoint.name}"


def change(endpoint: Endpoint) -> None:
    """The form that changes how an endpoint is asked."""
    with st.form(f"change-{endpoint.name}"):
        left, right = st.columns(2)
        url = left.text_input("Base URL", endpoint.base_url, key=f"change-url-{endpoint.name}")
        key_env = right.text_input(
            "Environment variable with the key", endpoint.key_env, key=f"change-key-{endpoint.name}",
            help=WHY_NOT_THE_KEY,
        )  # fmt: skip
        provider = left.text_input("Whose prices hold", endpoint.provider, key=f"change-provider-{endpoint.name}")
        values = _limits(f"change-{endpoint.name}", endpoint)
        if st.form_submit_button(
            "Change it", icon=":material/save:", **widgets.allowed(Verb.CHANGE_ENDPOINT, endpoint)
        ):
            changed = actions.change(
                endpoint.name, base_url=url.strip(), key_env=key_env.strip(), provider=provider.strip(), **values
            )
            if endpoint.key_id and not changed.key_id and not changed.key_env:
                st.session_state[_entered_dropped(endpoint)] = True
            if key_env.strip() and not changed.key_env:
                st.session_state[_dropped(endpoint)] = key_env.strip()
            st.session_state.pop(f"change-key-{endpoint.name}", None)  # else the form would name the old key again
            st.rerun()


_VERBS = keeping.Verbs(None, actions.describe, actions.archive, actions.restore)


def keep(endpoint: Endpoint) -> None:
    """Note and archive of an endpoint, and the button that removes it, or why it can't be."""
    name = endpoint.name  # jobs, prices and stored answers name it, so that it stays
    change = Verb.CHANGE_ENDPOINT
    rights = keeping.rights(endpoint, change, change, change)
    keeping.form("endpoint", name, name, endpoint.description, endpoint.archived_at, _VERBS, rights)
    if why := actions.needed(name):
        st.caption(words.plain(why))
        return
    question = (
        f"Remove endpoint **{words.plain(name)}** ({words.plain(endpoint.base_url)}, "
        f"{formats.count(len(endpoint.models), 'model')})? "
        f"{words.plain(' '.join(dependents.told(actions.depending(name))))} Its stored answers and prices stay, too; "
        "nothing new can be asked of it."
    )
    if widgets.is_sure("Remove", question, key=f"remove-{name}", may=widgets.allowed(Verb.REMOVE_ENDPOINT, endpoint)):
        actions.remove(name)
        st.rerun()
