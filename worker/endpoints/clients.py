"""Calls of an endpoint through the openai SDK: with its key, to an address that was checked, following nobody.

The key is the one that the environment holds under the endpoint's name for it, or the one that somebody entered. It is
never logged or repeated in an error or an answer, and goes to no other address than its own.
"""

import os
from typing import TYPE_CHECKING, Any, TypeVar

from db.errors import NotReady, UserError
from db.types import Endpoint
from worker.endpoints import keys, vault

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

Client = TypeVar("Client", bound="OpenAI | AsyncOpenAI")
NO_KEY = "none"  # local servers want the header but not a key; the SDK refuses an empty one


def key(endpoint: Endpoint) -> str:
    """The key that an endpoint is asked with. Raises NotReady when the endpoint's variable is not set here or may not
    go to its address, or when what was entered can't be read here."""
    if not endpoint.key_env:
        return vault.opened(endpoint) if endpoint.key_id else NO_KEY
    try:
        keys.check(endpoint.key_env, endpoint.base_url)  # here too: the entry may be older than the rule
    except UserError as error:
        raise NotReady(f"The endpoint {endpoint.name} is not asked. {error}") from error
    value = os.environ.get(endpoint.key_env, "").strip()
    if not value:
        raise NotReady(
            f"The endpoint {endpoint.name} wants a key; put it into the variable {endpoint.key_env} of the worker "
            "and of the dashboard, and start them again."
        )
    if not all("!" <= letter <= "~" for letter in value):
        # Else the client would repeat all of it in its complaint about the header.
        raise NotReady(
            f"The variable {endpoint.key_env} holds what is no key: it has blanks, line ends or other signs."
        )
    return value


def client(endpoint: Endpoint) -> "OpenAI":
    """A client for a few calls one after the other. Retries are the caller's business. Raises NotReady."""
    from openai import AzureOpenAI, DefaultHttpxClient, OpenAI

    from worker.endpoints.transport import Transport

    made = AzureOpenAI if endpoint.api_version else OpenAI
    how = _how(endpoint)
    over = Transport(endpoint.base_url, how["api_key"])
    return _bare(made(http_client=DefaultHttpxClient(follow_redirects=False, transport=over), **how), endpoint)


def async_client(endpoint: Endpoint) -> "AsyncOpenAI":
    """A client for many calls at once. Retries are the caller's business: it knows of the other calls. Raises
    NotReady."""
    from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAsyncHttpxClient

    from worker.endpoints.transport import AsyncTransport

    made = AsyncAzureOpenAI if endpoint.api_version else AsyncOpenAI
    how = _how(endpoint)
    over = AsyncTransport(endpoint.base_url, how["api_key"])
    return _bare(made(http_client=DefaultAsyncHttpxClient(follow_redirects=False, transport=over), **how), endpoint)


def _how(endpoint: Endpoint) -> dict[str, Any]:
    """Where and how an endpoint is called; Azure names its address in another way. Redirects are not followed: they
    would carry products' texts, and Azure's key, to whatever host the endpoint names."""
    address = {"base_url": endpoint.base_url}
    if endpoint.api_version:
        address = {"azure_endpoint": endpoint.base_url, "api_version": endpoint.api_version}
    return {"api_key": key(endpoint), "max_retries": 0, "timeout": endpoint.timeout_seconds, **address}


def _bare(made: Client, endpoint: Endpoint) -> Client:
    """The SDK sends OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS along to every address; here they go
    only where OPENAI_API_KEY goes."""
    if endpoint.key_env != "OPENAI_API_KEY":
        made.organization = made.project = None
        made._custom_headers = {}  # there is no public way to take them away again
    return made


def without_key(text: str, endpoint: Endpoint) -> str:
    """A text of the endpoint's, safe to show: some gateways repeat the key that they refuse."""
    try:
        secret = key(endpoint)
    except NotReady:
        return text  # it was not sent
    return text.replace(secret, "…") if len(secret) >= 4 and secret != NO_KEY else text
