"""Keys of endpoints that somebody entered: encrypted before they are stored, and never given back to who entered them.

The secret is in no table and in no backup: it comes from PRICEWRIGHT_SECRET_KEY, else from a file of the data folder.
What is stored can be read only for the endpoint of that name at that address, so that a row that was moved, or an
address that was changed in the database, sends no key to anybody else.
"""

import contextlib
import hashlib
import os
import secrets
import tempfile
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from db import endpoints
from db.engine import begin
from db.errors import NotReady, UserError
from db.settings import settings
from db.types import Endpoint
from worker.endpoints import keys

FILE = "secret.key"
LONGEST = 4_096
SHOWN = 4
"""Letters of a key that are shown, of one of at least four times as many."""

_FORM = b"1"
_NONCE = 12
_MARK = 4  # bytes that say which secret it was


def seal(endpoint: Endpoint, key: str) -> tuple[bytes, str]:
    """An entered key encrypted for its endpoint, and the letters of it that may be shown. Raises UserError for what is
    no key."""
    if not SHOWN <= len(key) <= LONGEST or not all("!" <= letter <= "~" for letter in key):
        raise UserError("A key is 4 to 4,096 letters, digits and signs of ASCII, without blanks.")
    secret = _secrets(make=True)[0]
    return _encrypt(secret, key.encode(), endpoint), key[-SHOWN:] if len(key) >= 4 * SHOWN else ""


def opened(endpoint: Endpoint) -> str:
    """The key that was entered for an endpoint. Raises NotReady where it is gone or can't be read here."""
    return _opened(endpoint.name, keys.origin(endpoint.base_url), endpoint.key_id)


@lru_cache(maxsize=64)
def _opened(name: str, origin: str, key_id: str) -> str:
    """Kept by the key's id, which is another one as soon as another key is entered."""
    del key_id
    with begin() as session:
        sealed = endpoints.sealed_key(session, name)
    if sealed is None:
        raise NotReady(f"The key of the endpoint {name} was taken away: enter it again.")
    return _decrypt(sealed, name, origin).decode()


def renew() -> int:
    """Encrypt every key anew with the first secret; how many there were. Where the secret is a file of ours, with one
    that is made now; afterwards the old ones are not needed. Raises NotReady, and nothing has changed, when one of the
    keys can't be read."""
    given = bool(settings().secret_key)
    path = settings().home / FILE
    if not given:
        _write(path, [secrets.token_urlsafe(48), *_lines(path)])
    with begin() as session:
        found = [endpoint for endpoint in endpoints.all(session) if endpoint.key_id]
        first = _secrets(make=True)[0]
        for endpoint in found:
            sealed = endpoints.sealed_key(session, endpoint.name)
            assert sealed is not None
            plain = _decrypt(sealed, endpoint.name, keys.origin(endpoint.base_url))
            endpoints.set_key(
                session, endpoint.name, endpoint.key_id, _encrypt(first, plain, endpoint), endpoint.key_last
            )
    if given:
        path.unlink(missing_ok=True)
    else:
        _write(path, _lines(path)[:1])
    return len(found)


def _encrypt(secret: str, plain: bytes, endpoint: Endpoint) -> bytes:
    nonce = os.urandom(_NONCE)
    about = _about(endpoint.name, keys.origin(endpoint.base_url))
    return _FORM + _mark(secret) + nonce + AESGCM(_derived(secret)).encrypt(nonce, plain, about)


def _decrypt(sealed: bytes, name: str, origin: str) -> bytes:
    mark, nonce, body = (
        sealed[1 : 1 + _MARK], sealed[1 + _MARK : 1 + _MARK + _NONCE], sealed[1 + _MARK + _NONCE :],
    )  # fmt: skip
    for secret in _secrets():
        if sealed[:1] == _FORM and mark == _mark(secret):
            with contextlib.suppress(InvalidTag):
                return AESGCM(_derived(secret)).decrypt(nonce, body, _about(name, origin))
            raise NotReady(f"The key of the endpoint {name} was entered for another address: enter it again.")
    raise NotReady(
        f"The key of the endpoint {name} was encrypted with a secret that is not here: start Pricewright with the "
        "PRICEWRIGHT_SECRET_KEY that it was entered with, or enter the key again."
    )


def _about(name: str, origin: str) -> bytes:
    return f"{name}\n{origin}".encode()


def _mark(secret: str) -> bytes:
    return hashlib.sha256(b"mark" + _derived(secret)).digest()[:_MARK]


@lru_cache(maxsize=8)
def _derived(secret: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"pricewright endpoint keys").derive(secret.encode())


def _secrets(*, make: bool = False) -> list[str]:
    """The secrets, the one that encrypts first; one is made where there is none and `make` says so."""
    path = settings().home / FILE
    found = [each for each in settings().secret_key.split(",") if each] + _lines(path)
    if not found and make:
        _write(path, [secrets.token_urlsafe(48)], new=True)
        found = _lines(path)
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeError) as error:
        raise NotReady(f"The secret that encrypts keys can't be read from {path}.") from error


def _write(path: Path, lines: list[str], *, new: bool = False) -> None:
    """Write the file whole or not at all, for its user alone; a `new` one never replaces what another process made."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE}.")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        if new:
            with contextlib.suppress(FileExistsError):
                os.link(part, path)
        else:
            Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)
