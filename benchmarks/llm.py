"""How fast does a local model price items? Our engine beside `generate` as one would first write it, same rows."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from worker.demo import catalogue
from worker.llm.base import Prompt, Readout
from worker.llm.local import LocalModel
from worker.llm.machine import quiet
from worker.llm.packaged import PACKAGED, model_folder
from worker.llm.prompts import product_texts, prompts
from worker.llm.reading import parse_completion
from worker.progress import Silent

ROWS = 48
NEW_TOKENS = 6  # "1299.0" and what is needed for most prices

Prices = list[float | None]


def main() -> None:
    quiet()
    items = catalogue().drop_nulls("price")[:ROWS]
    truth = items["price"].to_numpy()
    constant = np.abs(truth - np.median(truth)).mean()
    print(f"local language models, {ROWS} demo items; their median price as a guess for all: MAE {constant:.0f}")
    for name in PACKAGED:
        _measure(name, product_texts(items), truth)


def _measure(name: str, texts: list[str], truth: np.ndarray) -> None:
    ours = LocalModel(name)
    asked = prompts(texts, [], 110)
    tokens = [[*prompt.shared, *prompt.own] for prompt in ours.tokenise(asked)]
    rows = [("one at a time, generate, fp32", *_timed(Peer(name, torch.float32, ours).one_by_one, tokens))]
    batched = Peer(name, ours.dtype, ours)
    rows.append((f"sorted batches, generate, {_short(ours.dtype)}", *_timed(batched.in_batches, tokens)))
    del batched
    ours.price(asked[:4], Readout(), Silent())  # what is done once per process
    rows.append(("ours, greedy", *_timed(_priced, ours, asked, Readout("greedy"))))
    rows.append(("ours, median", *_timed(_priced, ours, asked, Readout("median"))))
    for what, prices, speed in rows:
        ratio = speed / rows[0][2]
        print(f"{name:<14} {what:<34} {speed:>7.2f} items/s  {ratio:>5.1f}x  {_error(prices, truth)}", flush=True)


def _priced(model: LocalModel, asked: list[Prompt], readout: Readout) -> Prices:
    return [reading.price for reading in model.price(asked, readout, Silent())]


class Peer:
    """transformers' own `generate`, its text parsed like ours."""

    def __init__(self, name: str, dtype: torch.dtype, ours: LocalModel) -> None:
        from transformers import AutoModelForCausalLM

        self.model: Any = AutoModelForCausalLM.from_pretrained(model_folder(name), dtype=dtype).to(ours.device).eval()
        self.tokenizer = ours.tokenizer

    def one_by_one(self, tokens: list[list[int]]) -> Prices:
        return [price for one in tokens for price in self._generate([one])]

    def in_batches(self, tokens: list[list[int]], size: int = 16) -> Prices:
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        prices: Prices = [None] * len(tokens)
        for start in range(0, len(order), size):
            where = order[start : start + size]
            for i, price in zip(where, self._generate([tokens[i] for i in where]), strict=True):
                prices[i] = price
        return prices

    def _generate(self, batch: list[list[int]]) -> Prices:
        longest = max(map(len, batch))
        ids = torch.tensor([[0] * (longest - len(one)) + one for one in batch], device=self.model.device)
        mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in batch], device=self.model.device)
        with torch.inference_mode():
            out = self.model.generate(
                input_ids=ids, attention_mask=mask, max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=0
            )
        return [parse_completion(self.tokenizer.decode(row, skip_special_tokens=True)) for row in out[:, longest:]]


def _timed(run: Callable[..., Prices], *args: Any) -> tuple[Prices, float]:
    began = time.perf_counter()
    prices = run(*args)
    return prices, len(prices) / (time.perf_counter() - began)


def _error(prices: Prices, truth: np.ndarray) -> str:
    read = [(price, true) for price, true in zip(prices, truth, strict=True) if price is not None]
    mae = np.mean([abs(price - true) for price, true in read]) if read else float("nan")
    return f"MAE {mae:.0f} on {len(read)} of {len(prices)} read"


def _short(dtype: torch.dtype) -> str:
    return {torch.bfloat16: "bf16", torch.float32: "fp32"}[dtype]


if __name__ == "__main__":
    main()
