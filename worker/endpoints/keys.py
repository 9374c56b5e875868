"""Which environment variables may hold an endpoint's key, and to which addresses each of them may go.

Whoever opens the page names both the variable and the address. Without this rule any variable of the worker could be
sent anywhere: the password of the database, or a provider's key to a server of the reader's own.
"""

import re
from urllib.parse import urlsplit

from db.errors import UserError
from db.settings import settings
from worker.endpoints.presets import PRESETS

OURS = "PRICEWRIGHT_KEY_"
"""How variables are called that were made to be an endpoint's key."""

PROVIDERS: dict[str, tuple[str, ...]] = {
    "OPENAI_API_KEY": ("eu.api.openai.com", "us.api.openai.com"),
    # Everybody can have a resource there, but a key that goes to a stranger's is seen by Microsoft alone.
    "AZURE_OPENAI_API_KEY": (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"),
    "ANTHROPIC_API_KEY": ("api.anthropic.com",),
    "GEMINI_API_KEY": ("generativelanguage.googleapis.com",),
    "GROQ_API_KEY": ("api.groq.com",),
    "MISTRAL_API_KEY": ("api.mistral.ai",),
    "DEEPSEEK_API_KEY": ("api.deepseek.com",),
    "TOGETHER_API_KEY": ("api.together.xyz", "api.together.ai"),
    "FIREWORKS_API_KEY": ("api.fireworks.ai",),
    "OPENROUTER_API_KEY": ("openrouter.ai",),
    "CEREBRAS_API_KEY": ("api.cerebras.ai",),
    "XAI_API_KEY": ("api.x.ai",),
}
"""A provider's own variable -> its hosts beside that of its preset, over https; a leading dot: every host below it."""

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,79}")
_PLACE = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.IGNORECASE)
_PORTS = {"https": 443, "http": 80}


def origin(url: str) -> str:
    """Scheme, host and port of an address: what a key belongs to. Raises UserError for what is no plain address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UserError("The address of an endpoint looks like https://host/v1.") from error
    scheme, host = parts.scheme.lower(), parts.hostname
    if scheme not in _PORTS or not host or not _PLACE.fullmatch(parts.netloc):
        raise UserError("The address of an endpoint looks like https://host/v1.")
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + ("" if port in (None, _PORTS[scheme]) else f":{port}")


def check(variable: str, base_url: str) -> None:
    """Raises UserError, with what to do, unless that variable may be sent to that address as a key."""
    if not _VARIABLE.fullmatch(variable):
        raise UserError(
            "Give the name of the environment variable that holds the key, in capitals, for example OPENAI_API_KEY; "
            "the key itself is never stored."
        )
    place = origin(base_url)
    allowed = _allowed_by_operator()
    named = allowed.get(variable)
    if named is not None and (not named or place in named):
        return
    hosts = _providers_hosts(variable)
    if any(_is_at(place, host) for host in hosts):
        return
    if not hosts and named is None:
        if variable.startswith(OURS):
            return
        raise UserError(
            f"{variable} may not be used as a key: put the key into a variable called {OURS}…, use a provider's own "
            f"(such as {next(iter(PROVIDERS))}), or start Pricewright with PRICEWRIGHT_ENDPOINT_KEYS={variable}@{place}"
            " set."
        )
    homes = " or ".join([f"https://{'…' * host.startswith('.')}{host}" for host in hosts] + sorted(named or ()))
    raise UserError(
        f"{variable} may only go to {homes}, not to {place}: put the key of this address into a variable called "
        f"{OURS}…, or start Pricewright with PRICEWRIGHT_ENDPOINT_KEYS={variable}@{place} set."
    )


def _providers_hosts(variable: str) -> list[str]:
    """Where a provider's own variable may go: the hosts of the presets that name it, and of PROVIDERS. Empty: no
    provider's."""
    places = [origin(preset.base_url) for preset in PRESETS.values() if preset.key_env == variable and preset.base_url]
    secure = [place.removeprefix("https://") for place in places if place.startswith("https://")]
    return [*secure, *PROVIDERS.get(variable, ())]


def _is_at(place: str, host: str) -> bool:
    if not host.startswith("."):
        return place == f"https://{host}"
    return place.startswith("https://") and place.endswith(host)


def _allowed_by_operator() -> dict[str, set[str]]:
    """Variable -> the addresses that the operator allows it; an empty set: all. Raises UserError."""
    allowed: dict[str, set[str]] = {}
    anywhere: set[str] = set()
    for number, entry in enumerate(re.split(r"[,\s]+", settings().endpoint_keys.strip()), 1):
        variable, _, address = entry.partition("@")
        if not entry:
            continue
        if not _VARIABLE.fullmatch(variable):
            raise UserError(
                "PRICEWRIGHT_ENDPOINT_KEYS is a list such as MY_KEY@https://gateway.example.com OTHER_KEY: names of "
                f"variables in capitals, each with the address that it may go to; entry {number} is no such name."
            )
        allowed.setdefault(variable, set())
        if address:
            allowed[variable].add(origin(address))
        else:
            anywhere.add(variable)
    return {variable: set() if variable in anywhere else places for variable, places in allowed.items()}
