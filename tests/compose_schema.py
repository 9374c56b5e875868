"""The parts of the compose file format that we use: a JSON schema of just those; anything else is refused.

Names and shapes follow the Compose Specification (compose-spec.io). A closed schema of a small part finds typing errors
that Docker itself would report, on machines without Docker.
"""

from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_DURATION = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h))+$"}
_COUNT = {"type": "integer", "minimum": 1}


def _closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _by_name(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": {"pattern": "^[a-zA-Z0-9._-]+$"}, "additionalProperties": value}


_HEALTHCHECK = _closed(
    {
        "test": {
            "type": "array",
            "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}],
            "items": {"type": "string"},
            "minItems": 2,
        },
        "interval": _DURATION,
        "timeout": _DURATION,
        "start_period": _DURATION,
        "retries": _COUNT,
    },
    "test",
)

_TMPFS = {"type": "string", "pattern": "^/[^:]*(:[a-z]+=[0-9]+(,[a-z]+=[0-9]+)*)?$"}
_SIZE = {"type": "string", "pattern": "^[0-9]+(k|m|g|kb|mb|gb)$"}
_LOGGING = _closed(
    {"driver": _TEXT, "options": {"type": "object", "additionalProperties": {"type": "string"}}}, "driver"
)
_DEVICE = _closed({"driver": _TEXT, "count": _COUNT, "capabilities": _TEXTS}, "capabilities")
_DEPLOY = _closed({"resources": _closed({"reservations": _closed({"devices": {"type": "array", "items": _DEVICE}})})})

_CONDITIONS = ["service_started", "service_healthy", "service_completed_successfully"]

_SERVICE = _closed(
    {
        "image": _TEXT,
        "build": _TEXT,
        "command": _TEXTS,
        "env_file": {"type": "array", "items": _closed({"path": _TEXT, "required": {"type": "boolean"}}, "path")},
        "environment": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Z][A-Z0-9_]*$"},
            "additionalProperties": {"type": ["string", "number"]},
        },
        "volumes": {"type": "array", "items": {"type": "string", "pattern": "^[^:]+:/[^:]*(:ro)?$"}},
        "ports": {"type": "array", "items": {"type": "string", "pattern": "[0-9]+:[0-9]+$"}},
        "depends_on": _by_name(_closed({"condition": {"enum": _CONDITIONS}}, "condition")),
        "healthcheck": _HEALTHCHECK,
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "profiles": _TEXTS,
        "init": {"type": "boolean"},
        "shm_size": _SIZE,
        "mem_limit": _SIZE,
        "pids_limit": _COUNT,
        "read_only": {"type": "boolean"},
        "tmpfs": {"type": "array", "items": _TMPFS, "minItems": 1},
        "user": _TEXT,
        "logging": _LOGGING,
        "stop_grace_period": _DURATION,
        "cap_drop": _TEXTS,
        "cap_add": _TEXTS,
        "security_opt": _TEXTS,
        "deploy": _DEPLOY,
    },
    "image",
    "command",
)
_SERVICE["properties"]["command"]["items"] = {"type": "string"}  # "yes" unquoted would be true, and a number no word

SCHEMA: dict[str, Any] = _closed(
    {"services": _by_name(_SERVICE), "volumes": _by_name({"type": "null"})}, "services", "volumes"
) | {"patternProperties": {"^x-": {}}}
