"""How is an endpoint called? Through the openai SDK, with the key that the environment holds under the endpoint's name
for it. A key is never kept, logged or repeated in an error."""

import os
from typing import TYPE_CHECKING, Any

from db.errors import NotReady
from db.types import Endpoint

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

NO_KEY = "none"  # local servers want the header but not a key; the SDK refuses an empty one


def key(endpoint: Endpoint) -> str:
    """Raises NotReady when the endpoint's variable is not set here."""
    if not endpoint.key_env:
        return NO_KEY
    found = os.environ.get(endpoint.key_env, "").strip()
    if not found:
        raise NotReady(
            f"The endpoint {endpoint.name} wants a key; put it into the variable {endpoint.key_env} of the worker "
            "and of the dashboard, and start them again."
        )
    return found


def client(endpoint: Endpoint) -> "OpenAI":
    """For a few calls one after the other. Retries are the caller's business."""
    from openai import AzureOpenAI, OpenAI

    return (AzureOpenAI if endpoint.api_version else OpenAI)(**_how(endpoint))


def async_client(endpoint: Endpoint) -> "AsyncOpenAI":
    """For many calls at once. Retries are the caller's business: it knows of the other calls."""
    from openai import AsyncAzureOpenAI, AsyncOpenAI

    return (AsyncAzureOpenAI if endpoint.api_version else AsyncOpenAI)(**_how(endpoint))


def _how(endpoint: Endpoint) -> dict[str, Any]:
    """Where and how an endpoint is called; Azure names its address in another way."""
    address = {"base_url": endpoint.base_url}
    if endpoint.api_version:
        address = {"azure_endpoint": endpoint.base_url, "api_version": endpoint.api_version}
    return {"api_key": key(endpoint), "max_retries": 0, "timeout": endpoint.timeout_seconds, **address}


def without_key(text: str, endpoint: Endpoint) -> str:
    """A text of the endpoint's, safe to show: some gateways repeat the key that they refuse."""
    secret = os.environ.get(endpoint.key_env, "").strip() if endpoint.key_env else ""
    return text.replace(secret, "…") if len(secret) >= 4 else text
