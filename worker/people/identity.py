"""Who somebody is: by what the identity provider says of her, by her token, or by the user of this machine."""

import hashlib
import os
import pwd
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from db import tokens
from db.errors import InvalidSetting, NotSignedIn
from db.settings import Settings, settings
from db.types import Person, Role

_SECRET_LETTERS = 32


def check(config: Settings) -> None:
    """Look whether people can sign in with these settings. Raises InvalidSetting, with one sentence."""
    if not config.has_sign_in:
        return
    needed = {"OIDC_CLIENT_ID": config.oidc_client_id, "OIDC_CLIENT_SECRET": config.oidc_client_secret}
    if missing := [f"PRICEWRIGHT_{name}" for name, value in needed.items() if not value]:
        raise InvalidSetting(f"With PRICEWRIGHT_OIDC_URL people sign in; set {' and '.join(missing)}, too.")
    if len(config.oidc_cookie_secret) < _SECRET_LETTERS:
        raise InvalidSetting(
            f"PRICEWRIGHT_OIDC_COOKIE_SECRET needs {_SECRET_LETTERS} random letters or more: whoever guesses it can be "
            "anybody."
        )
    if not listed(config.admins):
        raise InvalidSetting("Nobody would be an admin: name one or more in PRICEWRIGHT_ADMINS.")


def listed(setting: str) -> frozenset[str]:
    """The names and groups (group:NAME) of a list in the settings."""
    parts = setting.split(",") if "," in setting else setting.split()
    return frozenset(filter(None, (_plain(part) for part in parts)))


def _plain(name: str) -> str:
    """A name as it is compared: an address of e-mail is the same in capitals."""
    name = name.strip()
    return name.lower() if "@" in name and not name.startswith("group:") else name


def of_claims(claims: Mapping[str, Any], config: Settings | None = None, *, now: float | None = None) -> Person:
    """The person that an identity provider described when she signed in.

    Raises NotSignedIn where it did not say enough, where that is too long ago, and for somebody whom nobody let in.
    """
    config = config or settings()
    if not claims.get("is_logged_in"):
        raise NotSignedIn("You are not signed in; reload the page to sign in.")
    signed_in_at = claims.get("iat")
    if isinstance(signed_in_at, bool) or not isinstance(signed_in_at, int | float):
        raise NotSignedIn("Your sign-in says no time; sign in again.")
    if (now or time.time()) - signed_in_at > config.session_hours * 3600:
        raise NotSignedIn(f"You signed in more than {config.session_hours:g} hours ago; sign in again.")
    claimed = claims.get(config.oidc_name)
    name = _plain(claimed) if isinstance(claimed, str) else ""
    if not name or name.startswith("group:"):
        raise NotSignedIn(
            f"The identity provider did not say your name (claim {config.oidc_name!r}); an admin can choose another "
            "claim with PRICEWRIGHT_OIDC_NAME."
        )
    if config.oidc_name == "email" and claims.get("email_verified") is False:
        raise NotSignedIn(f"The identity provider has not verified that {name} is yours; verify it there.")
    groups = _groups(claims.get(config.oidc_groups))
    return Person(name, _role(name, groups, config), groups)


def _groups(claimed: Any) -> frozenset[str]:
    if isinstance(claimed, str):
        claimed = [claimed]
    return frozenset(each for each in claimed if isinstance(each, str)) if isinstance(claimed, list) else frozenset()


def _role(name: str, groups: frozenset[str], config: Settings) -> Role:
    its = {name, *(f"group:{group}" for group in groups)}
    if its & listed(config.admins):
        return Role.ADMIN
    if its & listed(config.analysts):
        return Role.ANALYST
    if config.default_role == "none":
        raise NotSignedIn(
            f"{name} signed in, but nobody has let {name} in: ask an admin to put the name, or one of its groups, into "
            "PRICEWRIGHT_ANALYSTS."
        )
    return Role(config.default_role)


@cache
def system_user() -> Person:
    """The user of this machine that runs this process; an admin, because all that is kept here is that user's."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container
        name = f"user {os.getuid()}"
    return Person(name, Role.ADMIN)


@cache
def of_terminal() -> Person:
    """Who acts on the command line. Raises NotSignedIn where people sign in and no token says who it is."""
    config = settings()
    if not config.has_sign_in:
        return system_user()
    if not config.token:
        raise NotSignedIn(
            "People sign in here: set PRICEWRIGHT_TOKEN to a token of yours, which an admin makes with `pricewright "
            "people token`."
        )
    if (person := tokens.person_of(hashed(config.token))) is None:
        raise NotSignedIn("PRICEWRIGHT_TOKEN is no token that acts now; ask an admin for a new one.")
    return person


def hashed(token: str) -> str:
    """What is kept of a token; it is long and random, so that a plain hash tells nothing."""
    return hashlib.sha256(token.encode()).hexdigest()
