"""How does a local language model price a batch of prompts fast? One pass over the prompt, a second over likely digits.

Measured choices are in docs/experiments.md, "Local language models".
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from db.settings import settings
from worker.llm.attention import register
from worker.llm.base import Prompt, Reading, Readout
from worker.llm.batches import Batch, Tokens, batches
from worker.llm.machine import pick_device, pick_dtype, quiet
from worker.llm.network import Network
from worker.llm.packaged import model_folder
from worker.llm.reading import Floats, parse_completion, quantile, statistics, summary
from worker.llm.scoring import score
from worker.llm.trie import PriceTrie, price_trie
from worker.progress import Progress

TEXT_TOKENS = 10  # how long a greedy answer may get: "1,299.99" and a stop
# Numbers in the middle of a sentence, a list and a table: what follows them is what ends a price.
PROBES = tuple(
    f"{about}\n\nPrice: ${number}"
    for about in ("Garden hose, 15 m, with brass fittings", "Wireless headphones, renewed", "Oak table for six")
    for number in (7, 20, 49, 125, 800)
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes of a batch. On a CPU small batches win: the activations of a layer stay in its cache."""

    tokens: int = 2048  # padded, beyond the shared part
    items: int = 32


class LocalModel:
    """A causal language model on this machine; a `worker.llm.base.PriceModel`. Raises NotReady if it is not there."""

    def __init__(self, name: str, *, dtype: torch.dtype | None = None, limits: Limits | None = None) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        quiet()
        folder = model_folder(name)
        self.device = pick_device(settings().device)
        self.dtype = dtype or pick_dtype(self.device)
        self.limits = limits or (Limits() if self.device.type == "cpu" else Limits(tokens=65_536, items=512))
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        attention = register() if self.device.type == "cpu" else "sdpa"
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=self.dtype, attn_implementation=attention)
        probes = [[*self._first, *ids] for ids in self.tokenizer(list(PROBES), add_special_tokens=False).input_ids]
        self.network = Network(model.to(self.device).eval(), self.device, probes)
        self.signature = f"{_identity(name, folder)}:{str(self.dtype).removeprefix('torch.')}"
        self._tries: dict[int, PriceTrie] = {}

    def price(self, prompts: list[Prompt], readout: Readout, progress: Progress) -> list[Reading]:
        if readout.statistic == "greedy":
            return self._each(prompts, self._read_text, progress)
        return self._each(prompts, lambda batch: self._read_distribution(batch, readout), progress)

    def distributions(self, prompts: list[Prompt], max_price: int, progress: Progress) -> Floats:
        """(n, max_price) probabilities of 1, 2, … dollars."""
        out = np.zeros((len(prompts), max_price))
        for batch in batches(self.tokenise(prompts), self.limits.tokens, self.limits.items):
            out[batch.where] = self._distribution(batch, max_price)[0]
            progress.advance(len(batch.where))
        return out

    def tokenise(self, prompts: list[Prompt]) -> list[Tokens]:
        """The three parts apart; a model that wants a first token (Gemma) gets it before `shared`."""
        known: dict[str, tuple[int, ...]] = {}

        def ids(text: str) -> tuple[int, ...]:
            if text not in known:
                known[text] = tuple(self.tokenizer(text, add_special_tokens=False).input_ids)
            return known[text]

        # A page of text is cut before it is tokenised: no token of these vocabularies is that long.
        texts = [prompt.text[: prompt.max_text_tokens * 24] for prompt in prompts]
        own = self.tokenizer(texts, add_special_tokens=False, split_special_tokens=True).input_ids if texts else []
        return [
            Tokens(self._first + ids(p.shared), (*tokens[: p.max_text_tokens], *ids(p.ask)))
            for p, tokens in zip(prompts, own, strict=True)
        ]

    @cached_property
    def _first(self) -> tuple[int, ...]:
        """The token that a text starts with for this model, if it wants one."""
        bos = self.tokenizer.bos_token_id
        return (bos,) if bos is not None and self.tokenizer("").input_ids[:1] == [bos] else ()

    def _each(
        self, prompts: list[Prompt], read: Callable[[Batch], list[dict[str, Any]]], progress: Progress
    ) -> list[Reading]:
        tokens = self.tokenise(prompts)
        out: list[Reading | None] = [None] * len(prompts)
        for batch in batches(tokens, self.limits.tokens, self.limits.items):
            began = time.perf_counter()
            readings = read(batch)
            seconds = (time.perf_counter() - began) / len(batch.where)
            for i, reading in zip(batch.where, readings, strict=True):
                out[i] = Reading(tokens_in=len(tokens[i]), seconds=seconds, **reading)
            progress.advance(len(batch.where))
        return [reading for reading in out if reading is not None]

    def _distribution(self, batch: Batch, max_price: int) -> tuple[Floats, int]:
        if max_price not in self._tries:
            encode = lambda texts: self.tokenizer(texts, add_special_tokens=False).input_ids  # noqa: E731
            self._tries[max_price] = price_trie(encode, self.tokenizer.get_vocab(), max_price)
        return score(self.network, batch, self._tries[max_price], max_price)

    def _read_distribution(self, batch: Batch, readout: Readout) -> list[dict[str, Any]]:
        distribution, scored = self._distribution(batch, readout.max_price)
        price = statistics(distribution, readout.statistic)
        low, high = quantile(distribution, 0.05), quantile(distribution, 0.95)
        return [
            {
                "price": _number(price[i]),
                "low": _number(low[i]),
                "high": _number(high[i]),
                "tokens_out": scored,
                "evidence": summary(distribution[i]),
            }
            for i in range(len(batch.where))
        ]

    @torch.inference_mode()
    def _read_text(self, batch: Batch) -> list[dict[str, Any]]:
        """The likeliest token again and again, until every answer has left its first line."""
        ends = {self.tokenizer.eos_token_id}
        rows = self.network.rows(batch.shared, batch.own)
        hidden, _ = rows.read(torch.zeros(len(batch.own), 0, dtype=torch.long, device=self.device))
        answers: list[list[int]] = [[] for _ in batch.own]
        for step in range(TEXT_TOKENS):
            following = self.network.logits(hidden).argmax(1)
            for answer, token in zip(answers, following.tolist(), strict=True):
                if not self._is_over(answer, ends):
                    answer.append(token)
            if step + 1 == TEXT_TOKENS or all(self._is_over(answer, ends) for answer in answers):
                break
            parents = torch.full_like(following, step - 1)[:, None] if step else None
            hidden = rows.grow(following[:, None], parents)[:, 0]
        out = []
        for answer in answers:
            text = self.tokenizer.decode([t for t in answer if t not in ends])
            price = parse_completion(text)
            out.append(
                {
                    "price": price,
                    "low": None,
                    "high": None,
                    "tokens_out": len(answer),
                    "evidence": json.dumps({"text": text}),
                }
            )
        return out

    def _is_over(self, answer: list[int], ends: set[int]) -> bool:
        """Ended, on a new line, or a number with something after it: no later token changes the price."""
        if not answer:
            return False
        text: str = self.tokenizer.decode(answer)
        body = text.lstrip()
        return (
            answer[-1] in ends
            or "\n" in body
            or (body[:1].isdigit() and not body[-1].isdigit() and body[-1] not in ",.")
        )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _identity(name: str, folder: Path) -> str:
    """A packaged name with its conversion, or a folder's name with the size and time of its weights."""
    if folder.name.startswith(name):
        return folder.name
    weights = sorted(folder.glob("*.safetensors"))
    return ":".join([folder.name, *(f"{file.stat().st_size}-{file.stat().st_mtime_ns}" for file in weights)])
