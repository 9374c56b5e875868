"""Which models beside the packaged ones may be opened: folders and ids of the hub that the operator lists.

A model is named by whoever fills in a form, and its folder is read by our process: without a list, whoever reaches the
pages could have any folder of this machine opened, or gigabytes of anybody's weights fetched.
"""

import re
from fnmatch import fnmatchcase
from pathlib import Path

from db.errors import NotReady
from db.settings import settings

ANY, NONE = "any", "none"
_CACHED = re.compile(r"models--([\w.-]+?)--([\w.-]+)")  # how the hub's own cache names the folder of owner/name


def check_folder(folder: Path) -> None:
    """Raises NotReady, with what to do, unless the folder of a model may be opened: it is listed, in a listed one, or
    made by us."""
    if _is_any():
        return
    real = expanded(str(folder)).resolve()
    if real.is_relative_to(settings().models_dir):
        return
    if any(real.is_relative_to(expanded(entry).resolve()) for entry in _entries() if _is_path(entry)):
        return
    ids = [f"{found[1]}/{found[2]}" for found in map(_CACHED.fullmatch, real.parts) if found]
    if ids and _in_hubs_cache(real) and _is_listed(ids[-1]):
        return
    raise _refusal(str(folder))


def expanded(text: str) -> Path:
    """The folder that somebody named; "~name" of a user who is not there stays as it is."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def check_hub(model: str) -> None:
    """Raises NotReady, with what to do, unless a model of the hub, as owner/name, may be used."""
    if not (_is_any() or _is_listed(model)):
        raise _refusal(model)


def _is_any() -> bool:
    entries = _entries()
    return ANY in entries or (not entries and not settings().is_shared)


def _entries() -> list[str]:
    return [entry.strip() for entry in settings().models.split(",") if entry.strip()]


def _is_path(entry: str) -> bool:
    return entry.startswith(("/", "~", "."))


def _is_listed(model: str) -> bool:
    return any(fnmatchcase(model, entry) for entry in _entries() if not _is_path(entry))


def _in_hubs_cache(folder: Path) -> bool:
    from huggingface_hub import constants

    return folder.is_relative_to(Path(constants.HF_HUB_CACHE).expanduser().resolve())


def _refusal(model: str) -> NotReady:
    return NotReady(
        f"The model {model} is not among those that may be used here: start Pricewright with it, or the folder that it "
        "is in, in the list PRICEWRIGHT_MODELS, or choose a packaged one."
    )
