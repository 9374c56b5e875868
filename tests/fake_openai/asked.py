"""What a chat request asks for, after the checks that OpenAI makes before a model sees it."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.fake_openai.brain import Ask
from tests.fake_openai.settings import Model, Settings
from tests.fake_openai.troubled import Refused

_ROLES = {"system", "developer", "user", "assistant", "tool"}


def understood(body: Mapping[str, Any], model: Model, settings: Settings) -> Ask:
    """Raises Refused with 400 for what OpenAI would not take."""
    _refused_by_model(body, model)
    top = body.get("top_logprobs")
    if top is not None and not body.get("logprobs"):
        raise Refused(400, "'top_logprobs' is only allowed when 'logprobs' is enabled.", param="top_logprobs")
    if top is not None and not (isinstance(top, int) and 0 <= top <= 20):
        raise Refused(400, f"Invalid value for 'top_logprobs': {top} is not from 0 to 20.", param="top_logprobs")
    temperature = body.get("temperature")
    if temperature is not None and not 0 <= temperature <= 2:
        raise Refused(400, f"Invalid 'temperature': {temperature} is not from 0 to 2.", param="temperature")
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        name = "max_completion_tokens" if "max_completion_tokens" in body else "max_tokens"
        raise Refused(400, f"Invalid '{name}': {limit} is below the minimum of 1.", param=name)
    ignores = settings.ignores
    schema = _schema(body.get("response_format"))
    tools = [_tool(tool) for tool in body.get("tools") or []]
    stop = body.get("stop") or ()
    return Ask(
        model=model,
        settings=settings,
        messages=_messages(body.get("messages")),
        max_tokens=limit,
        temperature=temperature,
        seed=body.get("seed"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        logprobs=bool(body.get("logprobs")) and "logprobs" not in ignores,
        schema=None if "response_format" in ignores else schema,
        tools=() if "tools" in ignores else tools,
        tool_choice=_choice(body.get("tool_choice"), tools),
        parallel=body.get("parallel_tool_calls") is not False,
        free_text=schema is not None and "response_format" in ignores,
    )


def _refused_by_model(body: Mapping[str, Any], model: Model) -> None:
    for name in sorted(model.refuses & body.keys()):
        if body[name] is None or (name == "temperature" and body[name] == 1) or (name == "logprobs" and not body[name]):
            continue
        if name == "temperature":
            raise Refused(
                400,
                f"Unsupported value: 'temperature' does not support {body[name]} with this model. "
                "Only the default (1) value is supported.",
                code="unsupported_value",
                param=name,
            )
        hint = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
        raise Refused(
            400,
            f"Unsupported parameter: '{name}' is not supported with this model.{hint}",
            code="unsupported_parameter",
            param=name,
        )


def _messages(messages: Any) -> Sequence[Mapping[str, Any]]:
    """Raises Refused: roles are known, and every tool answer belongs to a call just before it."""
    if not isinstance(messages, list) or not messages:
        raise Refused(400, "Missing required parameter: 'messages'.", code="missing_required_parameter")
    open_: set[str] = set()
    for i, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in _ROLES:
            raise Refused(400, f"Invalid value: {role!r}.", code="invalid_value", param=f"messages[{i}].role")
        if role == "tool":
            if message.get("tool_call_id") not in open_:
                raise Refused(
                    400,
                    "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                    param=f"messages.[{i}].role",
                )
            open_.discard(message["tool_call_id"])
            continue
        if open_:
            raise Refused(
                400,
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(open_)}",
                param="messages",
            )
        open_ = {call["id"] for call in message.get("tool_calls") or []}
        if message.get("content") is None and not message.get("tool_calls"):
            raise Refused(400, "Invalid value for 'content': expected a string, got null.", param=f"messages[{i}]")
    if open_:
        raise Refused(400, "Tool calls without an answer: " + ", ".join(open_), param="messages")
    return messages


def _schema(wished: Any) -> Mapping[str, Any] | None:
    if wished is None or wished.get("type") == "text":
        return None
    if wished.get("type") == "json_object":
        return {}
    inner = wished.get("json_schema")
    if wished.get("type") != "json_schema" or not isinstance(inner, dict) or "name" not in inner:
        raise Refused(400, "Missing required parameter: 'response_format.json_schema'.", param="response_format")
    schema: Mapping[str, Any] = inner.get("schema") or {}
    if inner.get("strict"):
        _strict(schema, f"response_format '{inner['name']}'", "response_format")
    return schema


def _tool(tool: Any) -> Mapping[str, Any]:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not function.get("name"):
        raise Refused(400, "Missing required parameter: 'tools[0].function'.", param="tools")
    if function.get("strict"):
        _strict(function.get("parameters") or {}, f"function '{function['name']}'", "tools")
    return function


def _strict(schema: Mapping[str, Any], what: str, param: str) -> None:
    """A strict schema closes every object and requires every property. Raises Refused."""
    properties = schema.get("properties") or {}
    if schema.get("type") == "object" or properties:
        if schema.get("additionalProperties") is not False:
            raise Refused(
                400,
                f"Invalid schema for {what}: In context=(), 'additionalProperties' is required to be supplied and to "
                "be false.",
                param=param,
            )
        if set(schema.get("required") or ()) != set(properties):
            raise Refused(
                400,
                f"Invalid schema for {what}: In context=(), 'required' is required to be supplied and to be an array "
                "including every key in properties.",
                param=param,
            )
    for inner in (*properties.values(), schema.get("items")):
        if isinstance(inner, dict):
            _strict(inner, what, param)


def _choice(choice: Any, tools: list[Mapping[str, Any]]) -> str:
    if choice is None:
        return "auto"
    if not tools and choice != "none":
        raise Refused(400, "'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice")
    name = choice if isinstance(choice, str) else (choice.get("function") or {}).get("name")
    if name not in ("auto", "none", "required") and name not in {tool["name"] for tool in tools}:
        raise Refused(400, f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice")
    return str(name)
