"""Asks a process of this machine how it is, over its port."""

import http.client
import json
from typing import Any

from db.errors import NotReady, UserError
from db.settings import Settings
from worker.health.answer import Answer

SECONDS = 20.0  # a database that is away is only told after its own ten


def ask(config: Settings, *, ready: bool, port: int | None = None) -> Answer:
    """The answer on a port; None = PRICEWRIGHT_HEALTH_PORT. Raises UserError where none is set, NotReady where nobody
    answers."""
    port = port or config.health_port
    if not port:
        raise UserError("PRICEWRIGHT_HEALTH_PORT is not set, so no process tells how it is; set it to a free port.")
    host = "localhost" if config.health_host in ("0.0.0.0", "::") else config.health_host  # noqa: S104
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", "/readyz" if ready else "/healthz")
        told: dict[str, Any] = json.loads(connection.getresponse().read())
        return Answer.model_validate(told)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotReady(f"Nobody tells on port {port} how it is ({error}).") from error
    finally:
        connection.close()
