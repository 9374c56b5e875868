"""A local language model that prices prompts fast: one pass over the prompts, a second over likely digits.

Measured choices are in docs/experiments.md, "Local language models".
"""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from db.errors import NotReady, UserError
from db.settings import settings
from worker.llm.base import Pooling, Precision, Prompt, Reading, Readout, Spent, Tool, Written
from worker.llm.local import nf4
from worker.llm.local.adapters import adapter_hash, with_adapter
from worker.llm.local.attention import register
from worker.llm.local.batches import Batch, batches
from worker.llm.local.device import pick_device, pick_dtype, quiet
from worker.llm.local.generate import write
from worker.llm.local.heads import form_of, head
from worker.llm.local.int8 import to_eight_bit
from worker.llm.local.network import Network
from worker.llm.local.packages import model_folder
from worker.llm.local.price_head import PriceHead
from worker.llm.local.price_scores import score
from worker.llm.local.price_trie import PriceTrie, price_trie
from worker.llm.local.tokenizer import Tokenizer
from worker.llm.local.weights_hash import base_hash
from worker.llm.price_reading import Floats, parse_completion, readings
from worker.progress import Progress
from worker.specs.price_bounds import Bounds

Answer = TypeVar("Answer", Reading, Written)

PRICE_TOKENS = 10  # how long a greedy price may get: "1,299.99" and a stop
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
    """A causal language model on this machine: a `worker.llm.base.LanguageModel`. Raises NotReady without it."""

    def __init__(
        self,
        name: str,
        *,
        dtype: torch.dtype | None = None,
        limits: Limits | None = None,
        precision: Precision = "auto",
    ) -> None:
        """`precision`: int8 is faster on processors that multiply bytes, nf4 takes a quarter of the memory; neither has
        the very same answers (worker.llm.local.int8, worker.llm.local.nf4)."""
        from transformers import AutoModelForCausalLM

        quiet()
        folder = model_folder(name)
        self.name = name
        self.folder = folder
        self.device = pick_device(settings().device)
        self.dtype = dtype or pick_dtype(self.device)
        self.limits = limits or (Limits() if self.device.type == "cpu" else Limits(tokens=65_536, items=512))
        self.tokenizer = Tokenizer(folder)
        attention = register() if self.device.type == "cpu" else "sdpa"
        four_bits = nf4.loading(self.dtype, self.device) if precision == "nf4" else {}
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=self.dtype, attn_implementation=attention, **four_bits
        )
        probes = [[*self.tokenizer.first, *ids] for ids in self.tokenizer.ids(list(PROBES))]
        model = (model if four_bits else model.to(self.device)).eval().requires_grad_(False)
        if precision == "int8":
            to_eight_bit(model, self.device)
        self.network = Network(model, self.device, probes)
        number = str(self.dtype).removeprefix("torch.") + ("" if precision == "auto" else f"-{precision}")
        self.signature = f"{_identity(name, folder)}:{number}"
        self.context = int(model.config.max_position_embeddings)
        self.speaks = self.tokenizer.speaks
        self._ends = _ends(model, self.tokenizer.inner.eos_token_id)
        self._tries: dict[Bounds, PriceTrie] = {}
        self._form: str | None = None  # of the head
        self._head: PriceHead | None = None

    @property
    def size(self) -> int:
        """Bytes of its weights; those with an adapter share them."""
        model = self.network.model
        return sum(each.nbytes for each in (*model.parameters(), *model.buffers()))

    def adapted(self, files: Mapping[str, bytes], *, trained_on: str = "") -> "LocalModel":
        """This model with an adapter in it (PEFT's files, perhaps a head): it shares these weights and leaves
        this model as it is. `trained_on` is the base_hash of the adapter's model; "" = only the layers are compared.

        Raises UserError when it was trained on another model.
        """
        if trained_on and trained_on != base_hash(self.folder):
            raise UserError(
                f"This adapter was trained on other weights than those of {self.name} here: it works on no others, so "
                "bring back the model that it was trained on, or train it anew."
            )
        new = copy.copy(self)
        model = with_adapter(self.network.model, files, self.name)
        new.network = Network(model, self.device, self.network.probes)
        new.signature = f"{self.signature}:{adapter_hash(files)[:16]}"
        new._form, new._head = form_of(files), head(files)
        if new._head is not None:
            if new._head.width != model.config.hidden_size:
                raise UserError(f"This adapter's head was made for another model than {self.name}; choose that one.")
            new._head.to(self.device)
        return new

    def count(self, texts: list[str]) -> list[int]:
        return self.tokenizer.count(texts)

    def cut(self, texts: list[str], tokens: int) -> list[str]:
        return self.tokenizer.cut(texts, tokens)

    def price(self, prompts: list[Prompt], readout: Readout, progress: Progress) -> list[Reading]:
        if self._head is not None:
            if readout.greedy:
                raise UserError(
                    f"This adapter says {self._form} and no text: read a statistic, for example the median."
                )
            return self._each(prompts, 0, lambda batch: self._read_head(batch, readout), Reading, progress)
        if readout.greedy:
            return self._each(prompts, PRICE_TOKENS, self._read_texts, Reading, progress)
        return self._each(
            prompts, PRICE_TOKENS, lambda batch: self._read_distributions(batch, readout), Reading, progress
        )

    def write(
        self, prompts: list[Prompt], max_tokens: int, progress: Progress, schema: Mapping[str, Any] | None = None
    ) -> list[Written]:
        """Nothing holds a local model to a schema: it writes what it writes."""
        del schema
        return self._each(prompts, max_tokens, lambda batch: self._write(batch, max_tokens), Written, progress)

    def hidden_states(self, prompts: list[Prompt], pooling: Pooling, progress: Progress) -> npt.NDArray[np.float32]:
        tokens = self.tokenizer.prompts(prompts)
        out = np.full((len(prompts), self.network.config.hidden_size), np.nan, dtype=np.float32)
        fit = [i for i, prompt in enumerate(tokens) if len(prompt) <= self.context]
        progress.advance(len(prompts) - len(fit))
        for batch in batches([tokens[i] for i in fit], self.limits.tokens, self.limits.items):
            where = [fit[place] for place in batch.where]
            out[where] = self._states(batch, [len(tokens[i].own) for i in where], pooling)
            progress.advance(len(where))
        return out

    @torch.inference_mode()
    def _states(self, batch: Batch, counts: list[int], pooling: Pooling) -> npt.NDArray[np.float32]:
        states = self.network.rows(batch.shared, batch.own).states(counts, pooling)
        return np.asarray(states.float().cpu().numpy(), dtype=np.float32)

    def price_with_tools(
        self, prompts: list[Prompt], tools: list[Tool], max_calls: int, readout: Readout, progress: Progress
    ) -> list[Reading]:
        del prompts, tools, max_calls, readout, progress
        raise NotReady(
            f"{self.name} is a model on this machine that can't call functions; "
            "choose an endpoint that can, or another technique."
        )

    def distributions(self, prompts: list[Prompt], bounds: Bounds, progress: Progress) -> Floats:
        """(n, P) probabilities of the prices of `bounds.grid()` up to the highest."""
        trie = self._trie(bounds)
        out = np.zeros((len(prompts), int(np.searchsorted(trie.values, bounds.above))))
        for batch in batches(self.tokenizer.prompts(prompts), self.limits.tokens, self.limits.items):
            out[batch.where] = score(self.network, batch, trie, bounds)[0]
            progress.advance(len(batch.where))
        return out

    def _each(
        self,
        prompts: list[Prompt],
        room: int,
        answer: Callable[[Batch], list[Answer]],
        kind: Callable[..., Answer],
        progress: Progress,
    ) -> list[Answer]:
        """Batch by batch, the books kept; a prompt that leaves no `room` for an answer gets an error."""
        tokens = self.tokenizer.prompts(prompts)
        out: dict[int, Answer] = {}
        for i, prompt in enumerate(tokens):
            if len(prompt) + room > self.context:
                reason = f"The prompt has {len(prompt):,} tokens and {self.name} reads {self.context - room:,} at most."
                out[i] = kind(spent=Spent(), error=reason)
        progress.advance(len(out))
        fit = [i for i in range(len(tokens)) if i not in out]
        for batch in batches([tokens[i] for i in fit], self.limits.tokens, self.limits.items):
            began = time.perf_counter()
            answers = answer(batch)
            seconds = (time.perf_counter() - began) / len(answers)
            for where, given in zip(batch.where, answers, strict=True):
                i = fit[where]
                spent = replace(given.spent, tokens_in=len(tokens[i]), seconds=seconds)
                out[i] = replace(given, spent=spent)
            progress.advance(len(answers))
        return [out[i] for i in range(len(prompts))]

    def _read_distributions(self, batch: Batch, readout: Readout) -> list[Reading]:
        trie = self._trie(readout.bounds)
        found, scored = score(self.network, batch, trie, readout.bounds)
        return readings(found, trie.values[: found.shape[1]], [Spent(tokens_out=scored)] * len(found))

    @torch.inference_mode()
    def _read_head(self, batch: Batch, readout: Readout) -> list[Reading]:
        """One pass over the prompts, nothing after them."""
        assert self._head is not None
        nothing = torch.zeros(len(batch.own), 0, dtype=torch.long, device=self.device)
        last, _ = self.network.rows(batch.shared, batch.own).read(nothing)
        return self._head.readings(last, readout, [Spent()] * len(batch.own))

    def _read_texts(self, batch: Batch) -> list[Reading]:
        out = []
        for ids in write(self.network, batch, PRICE_TOKENS, self._ends, self._is_price_over):
            text = self._text(ids)
            out.append(Reading(Spent(tokens_out=len(ids)), price=parse_completion(text), evidence={"answer": text}))
        return out

    def _write(self, batch: Batch, max_tokens: int) -> list[Written]:
        answers = write(self.network, batch, max_tokens, self._ends, lambda _: False)
        return [Written(Spent(tokens_out=len(ids)), self._text(ids)) for ids in answers]

    def _text(self, ids: list[int]) -> str:
        return self.tokenizer.text([token for token in ids if token not in self._ends])

    def _is_price_over(self, ids: list[int]) -> bool:
        """Whether the text is on a new line, or a number with something after it: no later token changes the price."""
        body = self._text(ids).lstrip()
        return "\n" in body or (body[:1].isdigit() and not body[-1].isdigit() and body[-1] not in ",.")

    def _trie(self, bounds: Bounds) -> PriceTrie:
        if bounds not in self._tries:
            self._tries[bounds] = price_trie(self.tokenizer.ids, self.tokenizer.inner.get_vocab(), bounds)
        return self._tries[bounds]


def weights_size(name: str) -> int:
    """Bytes that a model's weights have on disk, about what they take in memory. Raises NotReady without it."""
    return sum(file.stat().st_size for file in model_folder(name).glob("*.safetensors"))


def _ends(model: Any, of_tokenizer: int | None) -> frozenset[int]:
    """Every token that ends an answer: a model may have more than its tokenizer says (Gemma's end of a turn)."""
    found = {of_tokenizer}
    for config in (model.config, model.generation_config):
        ids = getattr(config, "eos_token_id", None)
        found |= set(ids) if isinstance(ids, list | tuple) else {ids}
    return frozenset(token for token in found if token is not None)


def _identity(name: str, folder: Path) -> str:
    """A packaged name with its conversion, or a folder's name with the size and time of its weights."""
    if folder.name.startswith(name):
        return folder.name
    weights = sorted(folder.glob("*.safetensors"))
    return ":".join([folder.name, *(f"{file.stat().st_size}-{file.stat().st_mtime_ns}" for file in weights)])
