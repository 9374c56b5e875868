"""What a base model can still do with an adapter in it: both read the same texts, questions and rows."""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from worker import gate_texts
from worker.evaluation.gate import Missing, Part, Unit
from worker.evaluation.resampling import Floats
from worker.gate_texts import Question
from worker.llm.base import LanguageModel, Prompt
from worker.llm.local.batches import Tokens, batches
from worker.llm.local.model import LocalModel
from worker.llm.local.network import Network
from worker.progress import Progress

PROSE = "neutral prose"
QUESTIONS = "general questions"

_SLICE = 256  # tokens whose chances over a whole vocabulary are held at once: 50 to 260 MB
_ANSWER_TOKENS = 16


@dataclass(frozen=True, slots=True)
class LanguagePart:
    """Something of language that the base can do, and how each kind of model is asked for it."""

    name: str  # what people read
    unit: Unit
    asked: Callable[[], tuple[Any, ...]]
    read: Callable[[LocalModel, Any, Progress], Floats]  # (n,) figures of a model's answers to what is asked
    about: Callable[[], str]  # what it is measured on
    timed: int  # how many of `asked` a pilot reads
    endpoint: Callable[[LanguageModel, LanguageModel, Progress], Part] | str  # a sentence: why it can't be measured

    def local(self, base: LocalModel, adapted: LocalModel, progress: Progress) -> Part:
        """Measured with models on this machine."""
        asked = self.asked()
        before = _once(base, self.read, asked, progress)
        return Part(self.name, self.unit, before, self.read(adapted, asked, progress), self.about())

    def at_endpoint(self, base: LanguageModel, adapted: LanguageModel, progress: Progress) -> Part | Missing:
        """Measured with models that only answer in words, as far as that can be."""
        if isinstance(self.endpoint, str):
            return Missing(self.name, self.endpoint)
        return self.endpoint(base, adapted, progress)


def choices(
    base: LanguageModel, adapted: LanguageModel, progress: Progress, given: Sequence[Question] | None = None
) -> Part:
    """The same questions to models that only answer in words: the endings are shown, and one is to be repeated."""
    chosen = gate_texts.questions() if given is None else given
    prompts = [
        Prompt(
            shared="Which of the words ends the sentence? Answer with that word and nothing else.\n\n",
            text=f"{question.start} ...\n{', '.join(sorted(ending.strip() for ending in question.endings))}",
            ask="\n\nWord:",
        )
        for question in chosen
    ]

    def right(model: LanguageModel) -> Floats:
        written = model.write(prompts, _ANSWER_TOKENS, progress)
        return np.array(
            [
                np.nan if one.error else float(_bare(one.text) == _bare(question.endings[0]))
                for one, question in zip(written, chosen, strict=True)
            ]
        )

    return Part(QUESTIONS, "accuracy", right(base), right(adapted), f"{len(chosen)} sentences to be ended")


def prices(name: str, unit: Unit, base: Floats, adapted: Floats, truth: Floats, about: str = "") -> Part:
    """Errors of prices ($, NaN = none was given) of the same rows."""
    error: Callable[[Floats], Floats] = (
        (lambda price: np.abs(np.log(price / truth))) if unit == "log-error" else (lambda price: np.abs(price - truth))
    )
    return Part(name, unit, error(base), error(adapted), about)


@torch.inference_mode()
def log_perplexities(model: LocalModel, texts: Sequence[str], progress: Progress) -> Floats:
    """(n,) means over a text's tokens of how unlikely the model finds each after those before it, as natural logs."""
    out = np.empty(len(texts))
    whole = [Tokens((), (*model.tokenizer.first, *ids)) for ids in model.tokenizer.ids(list(texts))]
    for batch in batches(whole, model.limits.tokens, model.limits.items):
        hidden = _hidden(model.network, batch.own)
        for where, own, states in zip(batch.where, batch.own, hidden, strict=True):
            wanted = torch.tensor(own[1:], device=states.device)
            out[where] = -_foreseen(model.network, states[: len(own) - 1], wanted[:, None]).mean()
            progress.advance(0)
    return out


@torch.inference_mode()
def right_answers(model: LocalModel, given: Sequence[Question], progress: Progress) -> Floats:
    """(n,) 1.0 where the first ending is the likeliest, else 0.0; NaN from a model gone wild.

    The sum over an ending's tokens counts, not their mean: SmolLM2-135M and Gemma 3 270M are right as often or oftener.
    """
    out = np.empty(len(given))
    starts = [Tokens((), (*model.tokenizer.first, *ids)) for ids in model.tokenizer.ids([one.start for one in given])]
    for batch in batches(starts, model.limits.tokens, model.limits.items):
        endings = [model.tokenizer.ids(list(given[i].endings)) for i in batch.where]
        scores = _scores(model.network, batch.own, endings)
        likeliest = scores.argmax(axis=1)
        wild = np.isnan(scores).any(axis=1)
        out[batch.where] = np.where(wild, np.nan, likeliest == 0)
        progress.advance(0)
    return out


def _scores(network: Network, starts: list[tuple[int, ...]], endings: Sequence[Sequence[Sequence[int]]]) -> Floats:
    """(B, N) log chances of each start's endings; -inf where there are fewer than N. A start is read once for all."""
    sizes = (len(starts), max(map(len, endings)), max(len(ids) for each in endings for ids in each))
    tokens = torch.zeros(sizes, dtype=torch.long)
    there = torch.zeros(sizes, dtype=torch.bool)
    for row, each in enumerate(endings):
        for place, ids in enumerate(each):
            tokens[row, place, : len(ids)] = torch.tensor(ids)
            there[row, place, : len(ids)] = True
    used, tokens = there.numpy(), tokens.to(network.device)
    rows = network.rows((), starts)
    last, hidden = rows.read(tokens[:, :, 0])
    out = np.where(used[:, :, 0], _foreseen(network, last, tokens[:, :, 0]), -np.inf)
    for depth in range(1, sizes[2]):
        longer = there[:, :, depth].to(network.device)
        out[used[:, :, depth]] += _foreseen(network, hidden[longer], tokens[:, :, depth][longer][:, None])[:, 0]
        if depth + 1 < sizes[2]:
            before = torch.arange((depth - 1) * sizes[1], depth * sizes[1], device=network.device)
            hidden = rows.grow(tokens[:, :, depth], before.expand(sizes[0], -1))
    return out


def _hidden(network: Network, texts: Sequence[tuple[int, ...]]) -> torch.Tensor:
    """(B, L, H); what stands beyond a text's end means nothing."""
    from transformers import DynamicCache

    size, longest = len(texts), max(map(len, texts))
    ids = torch.tensor([[*text, *[0] * (longest - len(text))] for text in texts], device=network.device)
    places = torch.arange(longest, device=network.device).expand(size, -1)
    seen = torch.ones(longest, longest, dtype=torch.bool, device=network.device).tril().expand(size, -1, -1)
    return network.forward(ids, places, seen, places, DynamicCache())


def _foreseen(network: Network, states: torch.Tensor, wanted: torch.Tensor) -> Floats:
    """(R, H) states and (R, W) tokens -> (R, W) log chances that the tokens come next."""
    out = np.empty(tuple(wanted.shape))
    for start in range(0, len(wanted), _SLICE):
        part = slice(start, start + _SLICE)
        whole = network.logits(states[part]).logsumexp(-1, keepdim=True)
        # Logits in bf16 have steps so wide that endings would often be equally likely.
        own = torch.einsum("rwh,rh->rw", network.model.lm_head.weight[wanted[part]].float(), states[part].float())
        out[part] = (own - whole).double().cpu().numpy()
    return out


_kept: dict[tuple[Any, ...], Floats] = {}


def _once(
    model: LocalModel, measure: Callable[[LocalModel, Any, Progress], Floats], on: Any, progress: Progress
) -> Floats:
    """The measure of a base model, which answers the same for every adapter: a process asks it once."""
    key = (measure.__name__, model.signature, on)
    if key not in _kept:
        _kept[key] = measure(model, on, progress)
    return _kept[key]


def _bare(text: str) -> str:
    """The first line of an answer in small letters, without the signs and the article around it."""
    first = (text.strip().splitlines() or [""])[0]
    return first.strip(string.punctuation + string.whitespace).lower().removeprefix("a ").removeprefix("the ")


def _passages() -> tuple[str, ...]:
    return tuple(passage.text for passage in gate_texts.prose())


def _domains() -> str:
    chosen = gate_texts.prose()
    return f"{len(chosen)} passages of {len({passage.domain for passage in chosen})} domains"


LANGUAGE_PARTS = (
    LanguagePart(
        name=PROSE,
        unit="perplexity",
        asked=_passages,
        read=log_perplexities,
        about=_domains,
        timed=4,
        endpoint="A model behind an endpoint does not say how likely it finds a text.",
    ),
    LanguagePart(
        name=QUESTIONS,
        unit="accuracy",
        asked=lambda: tuple(gate_texts.questions()),
        read=right_answers,
        about=lambda: f"{len(gate_texts.questions())} beginnings of sentences",
        timed=12,
        endpoint=choices,
    ),
)
"""What the gate measures of language, in the order in which a report tells it; a pilot times the same."""
