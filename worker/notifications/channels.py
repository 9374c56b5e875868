"""Ways to tell people: a webhook, a mail."""

import hashlib
import hmac
import json
import re
import smtplib
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from db.errors import UserError
from db.events import Event
from db.settings import Settings

SECONDS = 10.0  # that somebody has to take a message


class NotTaken(Exception):
    """Somebody could not be told; the text says why, without addresses' secrets."""


class Channel(Protocol):
    @property
    def name(self) -> str:
        """What tells it from the others, without a secret."""
        ...

    def tell(self, event: Event) -> None:
        """Tell of an event. Raises NotTaken."""
        ...


def all_of(config: Settings) -> list[Channel]:
    """The channels of the settings. Raises UserError where they do not suffice."""
    hooks: list[Channel] = [Webhook(url, config.notify_secret) for url in config.notify_webhooks.split()]
    if not config.notify_smtp:
        return hooks
    to = words(config.notify_to)
    if not to or not config.notify_from:
        raise UserError("PRICEWRIGHT_NOTIFY_SMTP is set: say PRICEWRIGHT_NOTIFY_FROM and PRICEWRIGHT_NOTIFY_TO, too.")
    return [*hooks, Mail(config.notify_smtp, config.notify_from, to)]


def words(listed: str) -> list[str]:
    """The parts of a setting that lists something, separated by commas or spaces."""
    return [word for word in re.split(r"[,\s]+", listed) if word]


# --- Webhooks ---


def body(event: Event) -> dict[str, Any]:
    """What a webhook is told; docs/deployment.md describes it."""
    return {
        "id": event.id,
        "event": str(event.kind),
        "at": event.at.isoformat() if event.at else None,
        "text": event.sentence,  # by this name chat programs look for what they show
        "facts": event.facts,
    }


def signature(secret: str, timestamp: str, content: bytes) -> str:
    """The hex HMAC-SHA256 of "TIMESTAMP.BODY" under the secret."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + content, hashlib.sha256).hexdigest()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """What is for one address is not carried to another."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass(frozen=True)
class Webhook:
    url: str
    secret: str

    @property
    def name(self) -> str:
        return f"webhook {urlsplit(self.url).hostname} {hashlib.sha256(self.url.encode()).hexdigest()[:8]}"

    def tell(self, event: Event) -> None:
        content = json.dumps(body(event), ensure_ascii=False).encode()
        headers: Mapping[str, str] = {
            "Content-Type": "application/json",
            "User-Agent": "pricewright",
            "X-Pricewright-Event": str(event.id),  # the same when it is sent again
        }
        if self.secret:
            stamp = str(int(time.time()))
            signed = f"sha256={signature(self.secret, stamp, content)}"
            headers = {**headers, "X-Pricewright-Timestamp": stamp, "X-Pricewright-Signature": signed}
        request = urllib.request.Request(self.url, content, dict(headers), method="POST")  # noqa: S310 - http(s): settings
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=SECONDS):
                pass
        except urllib.error.HTTPError as error:
            error.close()
            raise NotTaken(f"{self.name} answered {error.code}.") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise NotTaken(f"{self.name} can't be reached ({reason}).") from None


# --- Mail ---


@dataclass(frozen=True)
class Mail:
    server: str  # smtp://name:password@host:port
    sender: str
    to: list[str]

    @property
    def name(self) -> str:
        return f"mail to {len(self.to)}"

    def tell(self, event: Event) -> None:
        message = EmailMessage()
        message["Subject"] = f"Pricewright: {' '.join(event.sentence.split())[:120]}"
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Message-ID"] = f"<event-{event.id}@pricewright>"  # the same when it is sent again
        message.set_content(f"{event.sentence}\n\n{event.kind}, event {event.id}\n")
        place = urlsplit(self.server)
        try:
            with self._connect(place.scheme, place.hostname or "", place.port) as server:
                if place.username:
                    if not isinstance(server.sock, ssl.SSLSocket):
                        raise NotTaken(f"The mail server {place.hostname} offers no TLS, so it is told no password.")
                    server.login(unquote(place.username), unquote(place.password or ""))
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise NotTaken(f"The mail server {place.hostname} did not take it ({type(error).__name__}).") from None

    @staticmethod
    def _connect(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
        if scheme == "smtps":
            return smtplib.SMTP_SSL(host, port or 465, timeout=SECONDS, context=ssl.create_default_context())
        server = smtplib.SMTP(host, port or 25, timeout=SECONDS)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        return server
