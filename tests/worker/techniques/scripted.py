"""The one fake at the edge of techniques: a language model whose answers are known, and that keeps what it was asked.

A token is a word here, so that lengths can be counted by eye.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from db.types import PromptVersion
from worker.llm.base import LanguageModel, Pooling, Precision, Prompt, Reading, Readout, Spent, Tool, Written
from worker.progress import Progress
from worker.prompts.builtin import BUILT_IN
from worker.prompts.versions import split
from worker.specs import BaseSpec
from worker.techniques.base import Member

_PIECE = re.compile(r"\s*\S+")


def a_reading(price: float | None, **changes: Any) -> Reading:
    """A distribution around a price; None = nothing that can be read."""
    if price is None:
        return Reading(Spent(100, 0, 5, 0.1), evidence={"answer": "no idea"}, **changes)
    statistics = {"median": price, "mean": price * 1.5, "log-mean": price * 1.1, "mode": price * 0.9}
    quantiles = tuple(price * share for share in (0.5, 0.8, 1.0, 1.25, 2.0))
    return Reading(Spent(100, 0, 5, 0.1), None, statistics, quantiles, {"likeliest": {str(price): 0.5}}, **changes)


class NoMembers:
    """Resources for techniques that are not made of others."""

    def fit_member(self, spec: BaseSpec, *_: Any) -> Member:
        return self.member(spec)

    def member(self, spec: BaseSpec) -> Member:
        raise AssertionError(f"{spec.technique} was not expected to be a member")


class Scripted(NoMembers):
    """`answer` says the reading of a prompt; `writes` its text; `state` what is hidden. Also the resources that hand it
    out."""

    signature = "scripted"
    speaks = True

    def __init__(
        self,
        answer: Callable[[Prompt], Reading] = lambda prompt: a_reading(20.0),
        writes: Callable[[Prompt], Written] = lambda prompt: Written(Spent(50, 0, 10, 0.2), '{"type": "thing"}'),
        *,
        state: Callable[[Prompt], list[float]] = lambda prompt: [float(len(prompt.text))],
        context: int = 100_000,
        index: Any = None,
        templates: Mapping[str, PromptVersion] | None = None,
    ) -> None:
        self.context = context
        self.asked: list[Prompt] = []
        self.readout: Readout | None = None
        self.tools: list[Tool] = []
        self.adapter = self.name = ""
        self._answer = answer
        self._writes = writes
        self._state = state
        self._index = index
        self._templates = templates or {}

    def count(self, texts: list[str]) -> list[int]:
        return [len(_PIECE.findall(text)) for text in texts]

    def cut(self, texts: list[str], tokens: int) -> list[str]:
        return ["".join(_PIECE.findall(text)[:tokens]) for text in texts]

    def price(self, prompts: list[Prompt], readout: Readout, progress: Progress) -> list[Reading]:
        self.asked, self.readout = prompts, readout
        progress.advance(len(prompts))
        return [self._answer(prompt) for prompt in prompts]

    def write(
        self, prompts: list[Prompt], max_tokens: int, progress: Progress, schema: Mapping[str, Any] | None = None
    ) -> list[Written]:
        progress.advance(len(prompts))
        return [self._writes(prompt) for prompt in prompts]

    def hidden_states(self, prompts: list[Prompt], pooling: Pooling, progress: Progress) -> npt.NDArray[np.float32]:
        self.asked += prompts
        progress.advance(len(prompts))
        return np.array([self._state(prompt) for prompt in prompts], dtype=np.float32)

    def price_with_tools(
        self, prompts: list[Prompt], tools: list[Tool], max_calls: int, readout: Readout, progress: Progress
    ) -> list[Reading]:
        self.tools = tools
        return self.price(prompts, readout, progress)

    def language_model(
        self, name: str, sample: int = 0, batch: str = "off", precision: Precision = "auto"
    ) -> LanguageModel:
        self.name = name
        return self

    def adapted_model(self, adapter: str, model: str, precision: Precision = "auto") -> LanguageModel:
        self.adapter, self.name = adapter, model
        return self

    def index(self) -> Any:
        assert self._index is not None, "this technique was not expected to search"
        return self._index

    def prompt(self, ref: str) -> PromptVersion:
        return self._templates[ref] if ref in self._templates else BUILT_IN[split(ref)[0]]
