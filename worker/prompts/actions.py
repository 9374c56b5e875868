"""Every verb about prompts, for pages and the command line alike: save a version, list, show, compare, preview."""

from collections.abc import Collection
from datetime import UTC, datetime

from db import access, dependents, prompts, visibility
from db.audit import Thing
from db.engine import Session, begin
from db.errors import UserError, WrongState
from db.types import PromptVersion, Verb
from worker import amounts
from worker.prompts import trial, versions
from worker.prompts.builtin import BUILT_IN
from worker.prompts.trial import PARTS, Preview


def save(name: str, system: str, template: str, note: str = "") -> PromptVersion:
    """Keep this wording as the next version of the name and return it. Saying the same again is the same version.

    Raises UserError, in one sentence, for a prompt that can't be used (`rendering.check`) or a name that is none.
    """
    system, template = (_clean(text) for text in (system, template))
    name, version = versions.split(name)
    if version is not None:
        raise UserError(f"Versions are numbered by themselves: save it as {name}.")
    trial.check_apart(system, template)
    with begin() as session:
        built_in = BUILT_IN.get(name)
        newest = prompts.get(session, name) or built_in
        if newest and (newest.system, newest.template) == (system, template):
            return newest
        access.act(session, Verb.SAVE_PROMPT, newest or Thing("prompt", name, name), note=note)
        number = prompts.save(session, name, system, template, note, after=built_in.version if built_in else 0)
        return versions.resolve(session, f"{name}@{number}")


def every(*, archived: bool = False) -> list[PromptVersion]:
    """All versions of all prompts, by name, newest first; archived ones only if asked for."""
    with begin() as session:
        return [each for each in versions.all_versions(session) if archived or each.archived_at is None]


def archive(name: str) -> None:
    """Offer a prompt no more; jobs that name a version of it go on. Raises NotFound; WrongState for one that comes with
    Pricewright."""
    with begin() as session:
        own = _own(session, name, "archived")
        access.act(session, Verb.ARCHIVE_PROMPT, versions.resolve(session, own))
        prompts.set_archived(session, own, datetime.now(UTC))


def restore(name: str) -> None:
    """Offer an archived prompt again. Raises NotFound."""
    with begin() as session:
        own = _own(session, name, "restored")
        access.act(session, Verb.RESTORE_PROMPT, versions.resolve(session, own))
        prompts.set_archived(session, own, None)


def needed(name: str) -> str:
    """Why a prompt can't be deleted, in a sentence; "" when it can. Raises NotFound."""
    with begin() as session:
        return _needed(session, _own(session, name, "deleted"))


def delete(name: str) -> None:
    """Delete all versions of a prompt. Raises NotFound; WrongState for one that comes with Pricewright, and for one
    whose words are part of what a job, an adapter or a pricer did."""
    with begin() as session:
        own = _own(session, name, "deleted")
        access.act(session, Verb.DELETE_PROMPT, versions.resolve(session, own))
        visibility.see_all(session)
        if why := _needed(session, own):
            raise WrongState(why)
        prompts.remove(session, own)


def is_own(name: str) -> bool:
    """Whether a person saved it; the names that come with Pricewright are never archived or deleted, because techniques
    ask with them where nobody says another one."""
    return name not in BUILT_IN


def _own(session: Session, name: str, verb: str) -> str:
    versions.resolve(session, name)
    if not is_own(name):
        raise WrongState(f"{name} can't be {verb}: it comes with Pricewright, and techniques ask with it.")
    return name


def _needed(session: Session, name: str) -> str:
    if needing := dependents.needing_prompt(session, name):
        users = amounts.counted((each.count, each.noun, each.about) for each in needing)
        return f"{name} can't be deleted, because of {users}: its words are part of the result. Archive it instead."
    return ""


def get(ref: str) -> PromptVersion:
    """The prompt that "name" or "name@version" means. Raises NotFound."""
    with begin() as session:
        return versions.resolve(session, ref)


def diff(old: str, new: str) -> str:
    """Unified diff between two versions; "" when they say the same."""
    return versions.difference(get(old), get(new))


def preview(system: str, template: str, item: dict[str, str] | None = None, parts: Collection[str] = PARTS) -> Preview:
    """What would be sent for an item (title, description, category, brand), or for a sample.

    Examples, neighbours, attributes and category figures are samples: what a job puts there depends on its technique.
    Those of PARTS that are not in `parts` are empty. Raises UserError like `save`.
    """
    return trial.preview(_clean(system), _clean(template), item, parts)


def _clean(text: str) -> str:
    """A text with line ends as they are on this side of the wire: a browser sends \\r\\n."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
