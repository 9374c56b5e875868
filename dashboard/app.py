"""The picture frame: page settings and navigation; nothing else."""

import streamlit as st

from dashboard.shared import comparisons, monitoring, navigation, origin, sign_in, widgets, words
from db import acting, audit
from db.errors import NotSignedIn
from db.servers.permissions import keep_private

# A price tag and the name, in a green that is legible on the light and the dark background.
TAG = """<path d="M3 15 L13 5 H24 a2 2 0 0 1 2 2 V18 L16 28 a2 2 0 0 1 -3 0 L3 18 a2 2 0 0 1 0 -3 Z" fill="#23918a"/>
<circle cx="20.5" cy="10.5" r="2.4" fill="#ffffff"/>"""
LOGO = f"""<svg xmlns="http://www.w3.org/2000/svg" width="150" height="30" viewBox="0 0 150 30">{TAG}
<text x="33" y="21.5" font-family="Inter, Segoe UI, Helvetica Neue, Liberation Sans, Arial, sans-serif"
 font-size="18" font-weight="700" fill="#23918a">Pricewright</text></svg>"""

# An icon by name would be fetched from another machine; this one comes with the page.
ICON = f"""<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32" viewBox="-1 1 32 32">{TAG}</svg>"""

keep_private()
audit.come_from(origin.origin)
acting.identify(sign_in.person)  # of the session that asks: callbacks and fragments run without this file
monitoring.begin()
st.set_page_config(page_title="Pricewright", page_icon=ICON, layout="wide")
st.logo(LOGO, size="large")
# Menu -> its pages. Those of the menu without a name stand in the bar itself; an empty menu is not shown.
PAGES = {
    "": [  # the way of the work, always in sight
        st.Page(navigation.DATA, title="Data", icon=":material/table:", default=True),
        st.Page(navigation.RUN, title="Run", icon=":material/play_circle:"),
        st.Page(navigation.JOBS, title="Jobs", icon=":material/progress_activity:"),
        st.Page(navigation.TRADEOFFS, title="Trade-offs", icon=":material/balance:"),
        st.Page(navigation.RESULTS, title="Results", icon=":material/sell:"),
    ],
    "Decide": [  # what a verdict needs beside Trade-offs
        st.Page(navigation.ADVISOR, title="Advisor", icon=":material/lightbulb:"),
        st.Page(navigation.COMPARE, title="Compare", icon=":material/compare_arrows:"),
        st.Page(navigation.RACE, title="Race", icon=":material/flag:"),
        st.Page(navigation.WHAT_IF, title="What if", icon=":material/calculate:"),
        st.Page(navigation.GUESS, title="Guess", icon=":material/psychology:"),
        st.Page(navigation.LEAKAGE, title="Leaks", icon=":material/water_drop:"),
    ],
    "Improve": [  # what makes prices better
        st.Page(navigation.PROMPTS, title="Prompts", icon=":material/edit_note:"),
        st.Page(navigation.KNOWLEDGE, title="Knowledge", icon=":material/menu_book:"),
        st.Page(navigation.FINETUNE, title="Fine-tune", icon=":material/model_training:"),
        st.Page(navigation.ADAPTERS, title="Adapters", icon=":material/extension:"),
        st.Page(navigation.DATA_NEED, title="Data need", icon=":material/query_stats:"),
        st.Page(navigation.PRICE_CHECK, title="Price check", icon=":material/manage_search:"),
    ],
    "In use": [  # what was decided, at work on new files
        st.Page(navigation.PRICERS, title="Pricers", icon=":material/price_check:"),
        st.Page(navigation.BATCHES, title="Batches", icon=":material/inventory_2:"),
    ],
    "Settings": [
        st.Page(navigation.ENDPOINTS, title="Endpoints", icon=":material/cloud:"),
        st.Page(navigation.RATES, title="Rates", icon=":material/payments:"),
        st.Page(navigation.AUDIT, title="Audit", icon=":material/receipt_long:"),
        st.Page(navigation.STORAGE, title="Storage", icon=":material/hard_drive:"),
        st.Page(navigation.NOTIFICATIONS, title="Notifications", icon=":material/notifications:"),
    ],
}

try:
    who = sign_in.person()
except NotSignedIn:
    # Every page is known, so that an address leads to the sign-in and not to "page not found".
    st.navigation([page for pages in PAGES.values() for page in pages], position="hidden")
    sign_in.ask()
    st.stop()
if sign_in.is_asked():
    PAGES[f"{words.plain(who.name)} · {who.role}"] = [
        st.Page(sign_in.account, title="Account", icon=":material/account_circle:"),
        st.Page(st.logout, title="Sign out", icon=":material/logout:"),
    ]

page = st.navigation({menu: pages for menu, pages in PAGES.items() if pages}, position="top")
with monitoring.timed(page.title), widgets.tell_errors(), comparisons.waited_for("page"):
    page.run()
