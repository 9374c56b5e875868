"""The server of the pages: Streamlit's own, which sends security headers with everything that it says.

`streamlit run dashboard/web_app.py` starts it; the pages themselves begin in dashboard/app.py.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from dashboard.shared.headers import HEADERS

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Site = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class WithHeaders:
    """Puts HEADERS on every answer, files to download and errors among them."""

    def __init__(self, app: Site) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                kept = [(name, value) for name, value in message["headers"] if name.lower().decode() not in HEADERS]
                message = {**message, "headers": [*kept, *ours]}
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


app = st.App(Path(__file__).with_name("app.py"), middleware=[Middleware(WithHeaders)])
