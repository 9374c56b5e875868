"""From samples to the tensors of a step: padded on the right, with what the lower layers say of them."""

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from worker.training.batch_plan import Sample
from worker.training.frozen_layers import Kept
from worker.training.lora import lower_part

Tensor = torch.Tensor
COMPUTED_TOKENS = 4096  # padded, in one pass through the lower layers


class Batches(Dataset[dict[str, Tensor]]):
    """The batches of a training in their order; item i is a whole batch, ready for worker.training.lora.Learner."""

    def __init__(self, samples: Sequence[Sample], order: Sequence[Sequence[int]], kept: Kept | None) -> None:
        self._samples, self._order, self._kept = samples, order, kept

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, i: int) -> dict[str, Tensor]:
        chosen = list(self._order[i])
        return tensors([self._samples[j] for j in chosen], self._kept.get(chosen) if self._kept else None)


def tensors(samples: Sequence[Sample], states: Sequence[Tensor] | None) -> dict[str, Tensor]:
    """The arguments of Learner.forward."""
    lengths = [len(sample) for sample in samples]
    ids = [torch.tensor(sample.ids) for sample in samples]
    longest = max(lengths)
    answers = [(row, len(s) - s.answer + j) for row, s in enumerate(samples) for j in range(s.answer)]
    prices = torch.tensor([sample.price for sample in samples])
    return {
        "states": pad_sequence(list(states) if states is not None else ids, batch_first=True),
        "mask": (torch.arange(longest)[None] < torch.tensor(lengths)[:, None]).long(),
        "rows": torch.tensor([row for row, _ in answers], dtype=torch.long),
        "places": torch.tensor([place - 1 for _, place in answers], dtype=torch.long),
        "answers": torch.tensor([samples[row].ids[place] for row, place in answers], dtype=torch.long),
        "weights": torch.tensor([samples[row].weight for row, _ in answers], dtype=torch.float32),
        "ends": torch.tensor([len(sample) - sample.answer - 1 for sample in samples]),
        "log_prices": prices.log(),
    }


class Lower:
    """Runs samples through the layers that do not learn; counts what that took."""

    def __init__(self, model: Any, first: int, samples: Sequence[Sample]) -> None:
        self._inner = lower_part(model, first).eval()
        self._samples = samples
        self.tokens, self.seconds = 0, 0.0
        self.dtype, self.width = model.dtype, model.config.hidden_size

    @torch.no_grad()
    def __call__(self, chosen: list[int]) -> list[Tensor]:
        """(length, width) hidden states, on the CPU, in the order of `chosen`."""
        began = time.perf_counter()
        out: dict[int, Tensor] = {}
        batch: list[int] = []
        for i in sorted(chosen, key=lambda i: len(self._samples[i])):
            if batch and (len(batch) + 1) * len(self._samples[i]) > COMPUTED_TOKENS:
                out |= self._read(batch)
                batch = []
            batch.append(i)
        out |= self._read(batch) if batch else {}
        self.seconds += time.perf_counter() - began
        return [out[i] for i in chosen]

    def _read(self, batch: list[int]) -> dict[int, Tensor]:
        device = self._inner.embed_tokens.weight.device
        ids = pad_sequence([torch.tensor(self._samples[i].ids) for i in batch], batch_first=True).to(device)
        lengths = torch.tensor([len(self._samples[i]) for i in batch], device=device)
        mask = (torch.arange(ids.shape[1], device=device)[None] < lengths[:, None]).long()
        hidden = self._inner(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state.cpu()
        self.tokens += int(lengths.sum())
        return {i: hidden[place, : len(self._samples[i])] for place, i in enumerate(batch)}
