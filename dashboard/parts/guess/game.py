"""A game while it goes on, and its start: a product, a price, the next one, against the clock."""

from collections.abc import Sequence

import streamlit as st

from dashboard.shared import formats, widgets, words
from db import access
from db.errors import UserError
from db.types import Dataset, Game
from worker import amounts
from worker.guesses import actions
from worker.guesses.actions import Standing

GAME = "game"
"""In the address: the game that is played or looked at, so that a reload finds it."""
_NAME, _PRICE, _SAID = "guess-name", "guess-price", "guess-said"


def chosen(games: Sequence[Game]) -> Game | None:
    """The game that the address names; None where it names none of this dataset."""
    wanted = st.query_params.get(GAME, "")
    game = next((each for each in games if str(each.id) == wanted), None)
    if wanted and game is None:
        st.query_params.pop(GAME)
    return game


def start(dataset: Dataset, games: Sequence[Game]) -> None:
    """Who guesses, the button, and the games there were."""
    with st.container(border=True):
        st.markdown(
            f"You see {actions.ROWS} products of the test rows, one after another, and type what each costs. You have "
            f"{formats.duration(actions.SECONDS)}. The true prices come at the end, beside what every technique said."
        )
        with st.form("guess-start", border=False):
            left, right = st.columns([2, 1], vertical_alignment="bottom")
            name = left.text_input(
                "Your name", st.session_state.get(_NAME, access.name()), max_chars=actions.LONGEST_NAME,
                key="guess-start-name",
                help="Only so that you are never asked the same product twice.",
            )  # fmt: skip
            if right.form_submit_button("Start", icon=":material/timer:", type="primary", width="stretch"):
                st.session_state[_NAME] = name
                _open(actions.start(dataset.id, name).id)
    if games:
        st.markdown("**Games there were**")
    for game in games[:10]:
        ended = "" if game.ended_at else ", not ended"
        label = f"{game.person}, {game.started_at:%Y-%m-%d %H:%M}{ended} (game {game.id})"
        if st.button(words.plain(label), icon=":material/history:", type="tertiary", key=f"game-{game.id}"):
            _open(game.id)


def _open(game_id: int) -> None:
    st.query_params[GAME] = str(game_id)
    st.rerun()


def play(stands: Standing) -> None:
    """The product to price, with its clock; the page runs anew when the time is over."""
    item, game = stands.item or {}, stands.game
    widgets.fragment(_clock, run_every=1.0)(game.id)
    with st.container(border=True):
        st.caption(f"Product {stands.place} of {len(game.rows)}")
        st.subheader(words.plain(item["title"]), anchor=False)
        about = " · ".join(words.plain(item[name]) for name in ("brand", "category") if item[name])
        if about:
            st.markdown(about)
        st.markdown(words.plain(item["description"]) or ":gray[No description.]")
        # One key for all products: so the cursor stays in the field, and Enter goes from one to the next.
        with st.form(f"guess-{game.id}", clear_on_submit=True, border=False):
            st.text_input(f"What does it cost?{amounts.unit()}", key=_PRICE, placeholder="24.90, then Enter")
            with st.container(horizontal=True):
                arguments = (game.id, item["row"])
                st.form_submit_button(
                    "Next", icon=":material/keyboard_return:", type="primary", on_click=_take, args=arguments
                )
                st.form_submit_button("Skip", icon=":material/skip_next:", on_click=_skip, args=arguments)
        if said := st.session_state.pop(_SAID, ""):
            st.warning(words.plain(said), icon=":material/edit:")
    if st.button("End the game now", icon=":material/flag:", type="tertiary"):
        actions.give_up(game.id)
        st.rerun()


def _clock(game_id: int) -> None:
    with widgets.tell_errors():
        stands = actions.standing(game_id)
        if stands.is_over:
            st.rerun()
        share = stands.left / stands.game.seconds
        st.progress(min(1.0, share), f"{formats.duration(max(1.0, round(stands.left)))} left")


def _take(game_id: int, row: int) -> None:
    """The typed price goes to the row that was on the screen."""
    try:
        price = actions.price_of(st.session_state.get(_PRICE, ""))
        if price is None:
            st.session_state[_SAID] = "Type a price, or press Skip."
        else:
            actions.guess(game_id, row, price)
    except UserError as error:
        st.session_state[_SAID] = str(error)


def _skip(game_id: int, row: int) -> None:
    actions.guess(game_id, row, None)
