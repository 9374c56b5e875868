"""Writes a local model's answers to a batch of prompts: the likeliest token again and again, all rows at once."""

from collections.abc import Callable

import torch

from worker.llm.local.batches import Batch
from worker.llm.local.network import Network


@torch.inference_mode()
def write(
    network: Network, batch: Batch, max_tokens: int, ends: frozenset[int], is_over: Callable[[list[int]], bool]
) -> list[list[int]]:
    """Token ids of each answer, with the end token if it came. `is_over`: nothing after these ids is of interest."""
    rows = network.rows(batch.shared, batch.own)
    hidden, _ = rows.read(torch.zeros(len(batch.own), 0, dtype=torch.long, device=network.device))
    answers: list[list[int]] = [[] for _ in batch.own]
    done = [False] * len(answers)
    answer_of = list(range(len(answers)))  # row of the cache -> answer
    for step in range(max_tokens):
        following = network.logits(hidden).argmax(1)
        for i, token in zip(answer_of, following.tolist(), strict=True):
            if not done[i]:
                answers[i].append(token)
                done[i] = token in ends or is_over(answers[i])
        going = [row for row, i in enumerate(answer_of) if not done[i]]
        if not going or step + 1 == max_tokens:
            break
        if len(going) <= len(answer_of) // 2:  # rows that are done are dropped now and then: it copies the cache
            rows.keep(going)
            following, answer_of = following[going], [answer_of[row] for row in going]
        parents = torch.full_like(following, step - 1)[:, None] if step else None
        hidden = rows.grow(following[:, None], parents)[:, 0]
    return answers
