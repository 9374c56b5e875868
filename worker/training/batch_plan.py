"""The plan of what the optimiser sees together, and when: similar lengths, a bounded number of tokens, known ahead.

The whole order is decided by the seed before the first step, so that a training that was killed goes on with the very
batch it would have had.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worker.llm.base import Prompt
from worker.llm.local.tokenizer import Tokenizer
from worker.specs.price_bounds import Bounds

BUCKET = 32  # examples of one length bucket: small enough for little padding, large enough for mixed batches


@dataclass(frozen=True, slots=True)
class Sample:
    """A tokenised example. The loss is taken on the last `answer` tokens."""

    ids: tuple[int, ...]
    answer: int  # tokens; 0 where only the hidden state of the last one is read
    price: float  # $; NaN = general text
    weight: float = 1.0  # of the loss of each answer token

    def __len__(self) -> int:
        return len(self.ids)


def price_samples(
    tokenizer: Tokenizer, prompts: list[Prompt], prices: Sequence[float], *, answers: bool, bounds: Bounds
) -> list[Sample]:
    """One sample per prompt: the price as it may be said, and a line's end, as its answer; or none."""
    # Tokenised behind the sign that a prompt ends with, and the sign taken away again: as the trie of prices does.
    [sign] = tokenizer.ids(["$"])
    spelt = tokenizer.ids([f"${bounds.spell(bounds.nearest(price))}\n" for price in prices])
    samples = []
    for tokens, price, path in zip(tokenizer.prompts(prompts), prices, spelt, strict=True):
        answer = tuple(path[len(sign) :]) if answers else ()
        samples.append(Sample((*tokens.shared, *tokens.own, *answer), len(answer), float(price)))
    return samples


def text_samples(tokenizer: Tokenizer, texts: list[str], longest: int) -> list[Sample]:
    """General text to be repeated, so that it is not forgotten: every token but the first is an answer. The text's
    tokens together weigh as much as a price."""
    cut = [(*tokenizer.first, *ids[:longest]) for ids in tokenizer.ids(texts)]
    return [Sample(ids, len(ids) - 1, float("nan"), 3.0 / (len(ids) - 1)) for ids in cut if len(ids) > 1]


def rooms(samples: Sequence[Sample]) -> list[int]:
    """Tokens that a plan reckons for each sample: every price is as long as the longest one.

    By their true lengths, texts that were cut at the same length would be sorted by the digits of their prices, and a
    batch would hold nothing but prices of three digits.
    """
    longest = max((sample.answer for sample in samples if not math.isnan(sample.price)), default=0)
    return [len(s) if math.isnan(s.price) else len(s) - s.answer + longest for s in samples]


def plan(lengths: Sequence[int], batch_tokens: int, epochs: float, seed: int) -> list[list[int]]:
    """Batches of sample numbers for all epochs: every sample once an epoch, a part of them in a last part of one.

    A batch, padded to its longest, holds at most `batch_tokens`; one sample may be longer than that and goes alone.
    """
    out: list[list[int]] = []
    whole, part = int(epochs), epochs - int(epochs)
    for epoch in range(whole + (part > 0)):
        batches = _epoch(np.asarray(lengths), batch_tokens, np.random.default_rng([seed, epoch]))
        out += batches if epoch < whole else batches[: max(1, round(part * len(batches)))]
    return out


def _epoch(lengths: np.ndarray, batch_tokens: int, random: np.random.Generator) -> list[list[int]]:
    # Sorted by length, the order within a bucket left to chance: each epoch has other batches with little padding.
    order = random.permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    for start in range(0, len(order), BUCKET):
        random.shuffle(order[start : start + BUCKET])
    batches: list[list[int]] = []
    longest = 0
    for i in order.tolist():
        longest = max(longest, int(lengths[i])) if batches else int(lengths[i])
        if not batches or (len(batches[-1]) + 1) * longest > batch_tokens:
            batches.append([])
            longest = int(lengths[i])
        batches[-1].append(i)
    random.shuffle(batches)
    return batches
