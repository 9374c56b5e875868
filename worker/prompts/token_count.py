"""Counts a text's tokens for a model: for pages and estimates, which load no model for it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from db.errors import NotReady
from db.settings import settings
from worker.specs import allowed_models

# English product text has about 4 letters a token in the large vocabularies of paid models and about 3 where it is
# full of numbers; a pilot measured on real rows takes over as soon as a model has answered once.
BYTES_PER_TOKEN = 3.6


@dataclass(frozen=True, slots=True)
class Counted:
    tokens: list[int]
    is_exact: bool  # False: the model's tokenizer is not on this machine, so bytes were counted


def tokens(model: str, texts: list[str]) -> Counted:
    """Tokens of each text. Exact for a model whose tokenizer lies on this machine."""
    file = _tokenizer_file(model)
    if file is None:
        return Counted([round(len(text.encode()) / BYTES_PER_TOKEN) for text in texts], is_exact=False)
    encoded = _tokenizer(file).encode_batch_fast(texts, add_special_tokens=False)
    return Counted([len(each.ids) for each in encoded], is_exact=True)


def _tokenizer_file(model: str) -> Path | None:
    own = allowed_models.expanded(model) / "tokenizer.json"
    try:
        allowed_models.check_folder(own.parent)
    except NotReady:
        own = Path()  # of a model that may not be opened nothing is read
    made = sorted(settings().models_dir.glob(f"{model}-*/tokenizer.json")) if "/" not in model else []
    return own if own.is_file() else made[-1] if made else None


@lru_cache(maxsize=4)
def _tokenizer(file: Path) -> Any:
    # Late: most commands count nothing.
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(file))
