"""An identity provider on this machine: OIDC's authorization code flow with PKCE, whose tokens are really signed.

Whoever types a name into its form is signed in by that name; `groups` says who belongs to which.
"""

import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "pricewright", "of-the-client"


class IdentityProvider:
    """What it knows and gives out."""

    def __init__(self, url: str, groups: Mapping[str, list[str]]) -> None:
        self.url = url
        self.groups = groups
        self.claims: dict[str, Any] = {}  # added to each token
        self._key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self._codes: dict[str, dict[str, str]] = {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/authorize", self._authorize, methods=["GET", "POST"]),
                Route("/token", self._token, methods=["POST"]),
                Route("/jwks", self._keys),
            ]
        )

    async def _metadata(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "response_types_supported": ["code"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        if request.method == "GET":
            return HTMLResponse(
                f'<form method="post" action="/authorize?{escape(str(request.query_params))}">'
                '<label>Name <input name="name"></label><button>Sign in</button></form>'
            )
        # A form with one field needs no parser of forms.
        name = (await request.body()).decode().removeprefix("name=").replace("%40", "@")
        code = secrets.token_urlsafe()
        self._codes[code] = asked | {"name": name}
        back = f"{asked['redirect_uri']}?code={code}&state={asked['state']}"
        return RedirectResponse(back, status_code=303)

    async def _token(self, request: Request) -> Response:
        form = dict(part.split("=", 1) for part in (await request.body()).decode().split("&"))
        wanted = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}":
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        asked = self._codes.pop(form["code"], None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if asked is None or asked["code_challenge"] != proof:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        now = int(time.time())
        name = asked["name"]
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": name,
            "email": name,
            "email_verified": True,
            "groups": self.groups.get(name, []),
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 3600,
        } | self.claims
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self._key)
        return JSONResponse({"access_token": "any", "token_type": "Bearer", "id_token": token})

    async def _keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})


@contextmanager
def identity_provider(groups: Mapping[str, list[str]]) -> Iterator[IdentityProvider]:
    """A provider that answers until the block ends."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        provider = IdentityProvider(f"http://127.0.0.1:{listening.getsockname()[1]}", groups)
        server = uvicorn.Server(uvicorn.Config(provider.app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield provider
        finally:
            server.should_exit = True
            thread.join()
