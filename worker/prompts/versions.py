"""The prompt that a name means: those that come with Pricewright and those that people saved, as one shelf."""

import difflib
import re

from db import prompts
from db.engine import Session
from db.errors import NotFound, UserError
from db.types import PromptVersion
from worker.prompts.builtin import BUILT_IN, named
from worker.specs import BaseSpec, LlmSpec

_REF = re.compile(r"(?P<name>[a-z0-9][a-z0-9_.-]{0,59})(?:@(?P<version>\d{1,6}))?")


def resolve(session: Session, ref: str) -> PromptVersion:
    """The prompt that "name" (its newest version) or "name@version" means. Raises NotFound, UserError."""
    name, version = split(ref)
    saved = prompts.get(session, name, version)
    built_in = BUILT_IN.get(name)
    if saved is None and built_in is not None and version in (None, built_in.version):
        return built_in
    if saved is None:
        there = ", ".join(sorted({prompt.name for prompt in all_versions(session)}))
        raise NotFound(f"There is no prompt {ref}; there are {there}.")
    return saved


def split(ref: str) -> tuple[str, int | None]:
    """Name and version of a reference. Raises UserError."""
    match = _REF.fullmatch(ref)
    if match is None or match["name"] == "auto":
        raise UserError(f"{ref!r} names no prompt: use small letters, digits, - and _, then perhaps @ and a version.")
    return match["name"], int(match["version"]) if match["version"] else None


def all_versions(session: Session) -> list[PromptVersion]:
    """Every version there is, by name, newest first."""
    return sorted([*prompts.all(session), *BUILT_IN.values()], key=lambda prompt: (prompt.name, -prompt.version))


def pin(session: Session, spec: BaseSpec) -> BaseSpec:
    """The spec with its prompts as "name@version", so that a job says exactly what it asked, for ever.

    Raises NotFound for a prompt that is not there.
    """
    if not isinstance(spec, LlmSpec):
        return spec
    changes = {"prompt": resolve(session, named(spec)).ref}
    if "extract_prompt" in type(spec).model_fields:
        changes["extract_prompt"] = resolve(session, str(spec.model_dump()["extract_prompt"])).ref
    return spec.model_copy(update=changes)


def difference(old: PromptVersion, new: PromptVersion) -> str:
    """Unified diff of two versions, system message included; "" when they say the same."""
    before, after = (_lines(prompt) for prompt in (old, new))
    return "\n".join(difflib.unified_diff(before, after, old.ref, new.ref, lineterm=""))


def _lines(prompt: PromptVersion) -> list[str]:
    system = [f"system: {line}" for line in prompt.system.splitlines()]
    return [*system, *prompt.template.splitlines()]
