"""The hash of a base model's weights: an adapter fits no others."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from db.errors import NotReady

_BLOCK = 1 << 22
# What the library that wrote the folder says about itself, not about the model.
_ABOUT_THE_WRITER = ("transformers_version", "_name_or_path")


def base_hash(folder: Path) -> str:
    """sha256 of a model folder's config and weights; read once as long as the files don't change. Raises NotReady."""
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    if not files or not (folder / "config.json").is_file():
        raise NotReady(f"{folder} holds no model: a config.json and its weights are needed.")
    looks = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in [folder / "config.json", *files]]
    return _hash(tuple(looks))


@lru_cache(maxsize=32)
def _hash(looks: tuple[tuple[str, int, int], ...]) -> str:
    config, *files = [Path(path) for path, _, _ in looks]
    values = {name: value for name, value in json.loads(config.read_text()).items() if name not in _ABOUT_THE_WRITER}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for file in files:
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
