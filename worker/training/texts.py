"""The part of a base model that prompts are made with: its tokenizer and the length of its context."""

import json
from pathlib import Path

from worker.llm.local.tokenizer import Tokenizer


class FolderTexts:
    """The Texts (worker.prompts.filling) of a model's folder: counts and cuts. Loads no weights."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer(folder)
        config = json.loads((folder / "config.json").read_text())
        self.context = int(config.get("max_position_embeddings") or 2048)

    def count(self, texts: list[str]) -> list[int]:
        return self._tokenizer.count(texts)

    def cut(self, texts: list[str], tokens: int) -> list[str]:
        return self._tokenizer.cut(texts, tokens)
