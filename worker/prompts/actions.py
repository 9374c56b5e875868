"""Every verb about prompts, for pages and the command line alike: save a version, list, show, compare, preview."""

from collections.abc import Collection
from dataclasses import dataclass

from db import prompts
from db.engine import begin
from db.errors import UserError
from db.types import PromptVersion
from worker.prompts import versions
from worker.prompts.builtin import BUILT_IN
from worker.prompts.injection import suspicious
from worker.prompts.rendering import SAMPLE, Rendered, Values, check, item_values, render


@dataclass(frozen=True, slots=True)
class Preview:
    """A prompt with an item in it, as it would be sent."""

    rendered: Rendered
    flag: str | None  # why the item's text looks hostile


def save(name: str, system: str, template: str, note: str = "") -> PromptVersion:
    """Keep this wording as the next version of the name and return it. Saying the same again is the same version.

    Raises UserError, in one sentence, for a prompt that can't be used (`rendering.check`) or a name that is none.
    """
    system, template = (_clean(text) for text in (system, template))
    name, version = versions.split(name)
    if version is not None:
        raise UserError(f"Versions are numbered by themselves: save it as {name}.")
    check(system, template)
    with begin() as session:
        built_in = BUILT_IN.get(name)
        newest = prompts.get(session, name) or built_in
        if newest and (newest.system, newest.template) == (system, template):
            return newest
        number = prompts.save(session, name, system, template, note, after=built_in.version if built_in else 0)
        return versions.resolve(session, f"{name}@{number}")


def every() -> list[PromptVersion]:
    """All versions of all prompts, by name, newest first."""
    with begin() as session:
        return versions.all_versions(session)


def get(ref: str) -> PromptVersion:
    """The prompt that "name" or "name@version" means. Raises NotFound."""
    with begin() as session:
        return versions.resolve(session, ref)


def diff(old: str, new: str) -> str:
    """Unified diff between two versions; "" when they say the same."""
    return versions.difference(get(old), get(new))


PARTS: tuple[str, ...] = ("examples", "neighbours", "attributes", "stats")
"""What a technique may add to a product in a prompt."""


def preview(system: str, template: str, item: dict[str, str] | None = None, parts: Collection[str] = PARTS) -> Preview:
    """What would be sent for an item (title, description, category, brand), or for a sample.

    Examples, neighbours, attributes and category figures are samples: what a job puts there depends on its technique.
    Those of PARTS that are not in `parts` are empty. Raises UserError like `save`.
    """
    check(_clean(system), _clean(template))
    values, flag = SAMPLE, None
    if item is not None:
        values = Values(**{**SAMPLE, **item_values(**item)})
        flag = suspicious("\n".join(item.values()))
    empty = {name: type(values[name])() for name in PARTS if name not in parts}  # type: ignore[literal-required]
    values = Values(**{**values, **empty})  # type: ignore[typeddict-item]
    return Preview(render(PromptVersion("preview", 0, _clean(system), _clean(template)), values), flag)


def _clean(text: str) -> str:
    """A text with line ends as they are on this side of the wire: a browser sends \\r\\n."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
