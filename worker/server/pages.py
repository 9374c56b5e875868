"""`python -m worker.server.pages …`: the dashboard, with what people need to sign in. Options are Streamlit's.

Streamlit reads secrets from a file. They come in the environment, as all settings do, and stand on no command line.
"""

import os
import sys
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from db.errors import InvalidSetting
from db.servers.permissions import keep_private, make_home
from db.settings import LOOPBACK, Settings, settings
from worker.people import identity

_ROOT = Path(__file__).resolve().parents[2]
_METADATA = "/.well-known/openid-configuration"


def secrets_of(config: Settings) -> str:
    """What Streamlit is to know to let people sign in, as TOML."""
    url = config.oidc_url.rstrip("/")
    about = {
        "redirect_uri": f"{config.pages_url}/oauth2callback",
        "cookie_secret": config.oidc_cookie_secret,
        "client_id": config.oidc_client_id,
        "client_secret": config.oidc_client_secret,
        "server_metadata_url": url if url.endswith(_METADATA) else url + _METADATA,
    }
    return "[auth]\n" + "".join(f"{name} = {_quoted(value)}\n" for name, value in about.items())


def _quoted(value: str) -> str:
    """A basic string of TOML: quotes, backslashes and control characters escaped."""
    escaped = (rf"\u{ord(each):04x}" if each in '"\\' or ord(each) < 32 or ord(each) == 127 else each for each in value)
    return f'"{"".join(escaped)}"'


def write_secrets(config: Settings) -> Path:
    """Put the secrets where only this user can read them; the path."""
    file = config.home / "sign-in.toml"
    fresh = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(secrets_of(config))
    fresh.replace(file)
    return file


def allowed_hosts(config: Settings, address: str) -> list[str]:
    """The names under which browsers may ask for the pages that listen on `address`; none: under any.

    Without such a list a page of a stranger could reach a server on this machine, by a name of its own that suddenly
    means this machine. Where others reach it, only the operator knows how it is called (PUBLIC_URL).
    """
    public = urlsplit(config.public_url).hostname
    if address not in LOOPBACK and not public:
        return []
    return [*LOOPBACK, *([public] if public else [])]


def main() -> None:
    keep_private()
    config = settings()
    options = sys.argv[1:]
    if config.has_sign_in:
        try:
            identity.check(config)
        except InvalidSetting as error:
            sys.exit(str(error))
        make_home(config)
        options += ["--secrets.files", str(write_secrets(config))]
    address = dict(pairwise(options)).get("--server.address", config.dashboard_host)
    for host in allowed_hosts(config, address):
        options += ["--server.allowedHosts", host]
    os.chdir(_ROOT)
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/web_app.py", *options]
    os.execv(sys.executable, command)  # noqa: S606 - itself, with fixed words and its own options


if __name__ == "__main__":
    main()
