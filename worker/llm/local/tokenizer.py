"""Turns words into tokens for a model on this machine, and counts them. Product text is only ever data."""

from functools import cached_property
from pathlib import Path
from typing import Any

from worker.llm.base import Prompt
from worker.llm.local.batches import Tokens


class Tokenizer:
    """The tokenizer of a model's folder. Control tokens that are spelt out in a text are read as plain letters."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoTokenizer

        self.inner: Any = AutoTokenizer.from_pretrained(folder)

    @property
    def speaks(self) -> bool:
        """A chat template comes with models that were taught to follow instructions."""
        return bool(self.inner.chat_template)

    @cached_property
    def first(self) -> tuple[int, ...]:
        """The token that a text starts with for this model, if it wants one."""
        bos = self.inner.bos_token_id
        return (bos,) if bos is not None and self.inner("").input_ids[:1] == [bos] else ()

    def ids(self, texts: list[str]) -> list[list[int]]:
        if not texts:
            return []
        found: list[list[int]] = self.inner(texts, add_special_tokens=False, split_special_tokens=True).input_ids
        return found

    def text(self, ids: list[int]) -> str:
        return str(self.inner.decode(ids, clean_up_tokenization_spaces=False))

    def prompts(self, prompts: list[Prompt]) -> list[Tokens]:
        """What prompts have in common apart from what is their own; `first` comes before both."""
        known: dict[str, tuple[int, ...]] = {}

        def ids(text: str) -> tuple[int, ...]:
            if text not in known:
                known[text] = tuple(self.ids([text])[0])
            return known[text]

        own = self.ids([prompt.text for prompt in prompts])
        return [
            Tokens(self.first + ids(opening(p)), (*tokens, *ids(p.ask))) for p, tokens in zip(prompts, own, strict=True)
        ]

    def count(self, texts: list[str]) -> list[int]:
        return [len(ids) for ids in self.ids(texts)]

    def cut(self, texts: list[str], tokens: int) -> list[str]:
        """Each text's longest beginning of at most `tokens` tokens that ends between two letters."""
        if tokens < 1:
            return [""] * len(texts)
        # A page of text is cut before it is tokenised; one token more, as a piece's end may be read in another way.
        short = [text[: (tokens + 1) * self._longest] for text in texts]
        out = [""] * len(texts)
        open_ = dict(enumerate(short))
        keep = tokens
        while open_ and keep > 0:
            marked = self.inner(
                list(open_.values()), add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
            )
            cuts = [
                text[: _end(text, marks, keep)]
                for text, marks in zip(open_.values(), marked.offset_mapping, strict=True)
            ]
            counts = self.count(cuts)
            for i, text, n in zip(list(open_), cuts, counts, strict=True):
                if n <= tokens:  # a beginning read alone may split in another way than inside its text
                    out[i] = text
                    del open_[i]
            keep -= 1
        return out

    @cached_property
    def _longest(self) -> int:
        """Letters of the longest token."""
        return max(map(len, self.inner.get_vocab()))


def opening(prompt: Prompt) -> str:
    """What comes before the item's own text: the system message on lines of its own, then the shared part."""
    return f"{prompt.system}\n\n{prompt.shared}" if prompt.system else prompt.shared


def _end(text: str, marks: list[tuple[int, int]], tokens: int) -> int:
    """Where a text of these (start, end) pieces ends after so many; before a letter that is spread over several."""
    if len(marks) <= tokens:
        return len(text)  # the last mark may end before it, after letters that the tokenizer does not know
    end = marks[tokens - 1][1]
    return marks[tokens][0] if marks[tokens][0] < end else end
