"""The speed of a local model that prices items: our engine beside `generate` as one would first write it, same rows.

python -m benchmarks.llm [FILE] [--rows 48] [--models smollm2-135m,gemma3-270m] [--examples 0,5]
FILE is a CSV with the columns title and price and, if it has them, description, category and brand; without it, the
demo catalogue.
"""

import argparse
import ctypes
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from db.errors import NotReady
from worker.demo import catalogue
from worker.llm.base import Prompt, Readout
from worker.llm.local.batches import Tokens
from worker.llm.local.device import quiet
from worker.llm.local.model import LocalModel
from worker.llm.local.packages import PACKAGED, model_folder
from worker.llm.price_reading import parse_completion
from worker.progress import Silent

NEW_TOKENS = 6  # "1299.0" and what is needed for most prices
TEXT_TOKENS = 110
OPENING, ASK = "A product from an online shop\n\n", "\n\nPrice: $"
TURNS = 2  # rounds in which all fast ways take their turn; the better time counts, the machine may have been busy

Prices = list[float | None]


@dataclass
class Way:
    """One way to get prices out of a model, and its best time."""

    name: str
    run: Callable[[], Prices]
    computed: int  # prompt tokens that go through the layers
    seconds: float = float("inf")
    memory: float = float("nan")  # MB beyond what was there before
    prices: Prices = field(default_factory=list)

    def go(self) -> None:
        with Peak() as peak:
            began = time.perf_counter()
            self.prices = self.run()
            seconds = time.perf_counter() - began
        if seconds < self.seconds:
            self.seconds, self.memory = seconds, peak.megabytes


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.llm")
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--rows", type=int, default=48)
    parser.add_argument("--models", default=",".join(PACKAGED))
    parser.add_argument("--examples", default="0,5", help="how many priced examples stand in every prompt")
    chosen = parser.parse_args()
    counts = [int(k) for k in chosen.examples.split(",")]
    quiet()
    items = _items(chosen.file)
    shown, items = items.tail(max(counts)), items.head(chosen.rows)
    truth = items["price"].to_numpy()
    constant = np.abs(truth - np.median(truth)).mean()
    print(
        f"local language models, {len(items)} items of {chosen.file.name if chosen.file else 'the demo catalogue'}, "
        f"{torch.get_num_threads()} threads; their median price as a guess for all: MAE {constant:.0f}"
    )
    for name in chosen.models.split(","):
        _measure(name, items, shown, counts, truth)


def _items(file: Path | None) -> pl.DataFrame:
    table = catalogue() if file is None else pl.read_csv(file, infer_schema=False)
    return table.with_columns(pl.col("price").cast(pl.Float64, strict=False)).filter(pl.col("price") >= 1)


def _measure(name: str, items: pl.DataFrame, shown: pl.DataFrame, counts: list[int], truth: np.ndarray) -> None:
    ours = LocalModel(name)
    loop, batched = Peer(name, torch.float32, ours), Peer(name, ours.dtype, ours)
    try:
        eight_bit = LocalModel(name, precision="int8")
    except NotReady:
        eight_bit = None
    examples = [
        f"{OPENING}{text}{ASK}{max(1, round(price))}\n\n\n"
        for text, price in zip(_texts(ours, shown), shown["price"], strict=True)
    ]
    work = work_per_token(ours)
    for k in counts:
        opening = "".join(examples[:k]) + OPENING
        prompts = [Prompt(opening, text, ASK) for text in _texts(ours, items)]
        tokens = ours.tokenizer.prompts(prompts)
        whole, once = sum(map(len, tokens)), sum(len(t.own) for t in tokens) + len(tokens[0].shared)
        short = str(ours.dtype).removeprefix("torch.")
        slow = Way("generate, one at a time, float32", partial(loop.one_by_one, tokens), whole)
        ways = [
            Way(f"generate, sorted batches, {short}", partial(batched.in_batches, tokens), whole),
            Way(f"ours, text, {short}", partial(_priced, ours, prompts, Readout(greedy=True)), once),
            Way(f"ours, median, {short}", partial(_priced, ours, prompts, Readout()), once),
        ]
        if eight_bit:
            ways.append(Way("ours, median, int8 (option)", partial(_priced, eight_bit, prompts, Readout()), once))
        for model in (ours, eight_bit):
            if model:
                model.price(prompts[:4], Readout(), Silent())  # what is done once per process
        slow.go()
        limit = 0.0
        for _ in range(TURNS):
            limit = max(limit, matmul_limit(ours))
            for way in ways:
                way.go()
        print(
            f"\n{name}, {k} examples: {whole / len(prompts):.0f} tokens a prompt, {once / whole:.0%} of them left when"
        )
        print("what all prompts share is read once; ", end="")
        print(f"{work / 1e9:.2f} GFLOP a token, matmul limit 2048³ {short} {limit / 1e9:,.0f} GFLOP/s")
        head = ("items/s", "x loop", "x batches", "tokens/s", "of limit", "MB more")
        print(f"  {'':<36}" + "".join(f"{word:>10}" for word in head))
        for way in (slow, *ways):
            speed, rate = len(prompts) / way.seconds, way.computed / way.seconds
            cells = (f"{speed:.2f}", f"{slow.seconds / way.seconds:.1f}", f"{ways[0].seconds / way.seconds:.2f}",
                     f"{rate:,.0f}", f"{rate * work / limit:.0%}", f"{way.memory:,.0f}")  # fmt: skip
            print(
                f"  {way.name:<36}" + "".join(f"{c:>10}" for c in cells) + f"  {_error(way.prices, truth)}", flush=True
            )


def _texts(model: LocalModel, items: pl.DataFrame) -> list[str]:
    lines = [
        "\n".join([row["title"] or "", *(f"{k.title()}: {row[k]}" for k in ("brand", "category") if row.get(k)),
                   row.get("description") or ""])
        for row in items.iter_rows(named=True)
    ]  # fmt: skip
    return model.cut(lines, TEXT_TOKENS)


def _priced(model: LocalModel, prompts: list[Prompt], readout: Readout) -> Prices:
    model.network.forget()
    return [r.price if readout.greedy else r.statistics.get("median") for r in model.price(prompts, readout, Silent())]


def work_per_token(model: LocalModel) -> float:
    """FLOP of the layers' matrix products for one token; attention and output head are not counted."""
    weights = [p for layer in model.network.model.model.layers for p in layer.parameters() if p.ndim > 1]
    return 2.0 * sum(int(p.numel()) for p in weights)


def matmul_limit(model: LocalModel, size: int = 2048) -> float:
    """FLOP/s of one large product in the model's number type, the best of five."""
    one = torch.randn(size, size, device=model.device).to(model.dtype)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        (one @ one)[0, 0].item()
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


class Peer:
    """transformers' own `generate`, its text parsed like ours."""

    def __init__(self, name: str, dtype: torch.dtype, ours: LocalModel) -> None:
        from transformers import AutoModelForCausalLM

        self.model: Any = AutoModelForCausalLM.from_pretrained(model_folder(name), dtype=dtype).to(ours.device).eval()
        self.tokenizer = ours.tokenizer.inner

    def one_by_one(self, tokens: list[Tokens]) -> Prices:
        return [price for one in tokens for price in self._generate([one])]

    def in_batches(self, tokens: list[Tokens], size: int = 16) -> Prices:
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        prices: Prices = [None] * len(tokens)
        for start in range(0, len(order), size):
            where = order[start : start + size]
            for i, price in zip(where, self._generate([tokens[i] for i in where]), strict=True):
                prices[i] = price
        return prices

    def _generate(self, batch: list[Tokens]) -> Prices:
        longest = max(map(len, batch))
        gaps = [longest - len(one) for one in batch]
        rows = [[0] * gap + [*one.shared, *one.own] for gap, one in zip(gaps, batch, strict=True)]
        ids = torch.tensor(rows, device=self.model.device)
        mask = torch.tensor([[0] * gap + [1] * (longest - gap) for gap in gaps], device=self.model.device)
        with torch.inference_mode():
            out = self.model.generate(
                input_ids=ids, attention_mask=mask, max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=0
            )
        return [parse_completion(self.tokenizer.decode(row, skip_special_tokens=True)) for row in out[:, longest:]]


class Peak:
    """The most memory in use inside a `with`, beyond what was there before: of the GPU, else of this process."""

    def __enter__(self) -> "Peak":
        if sys.platform == "linux":  # memory that earlier runs left with the allocator would hide what this one takes
            ctypes.CDLL(None).malloc_trim(0)
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self._before = self._highest = self._now()
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()

    @property
    def megabytes(self) -> float:
        most = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else self._highest
        return (most - self._before) / 1e6

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self._highest = max(self._highest, self._now())

    def _now(self) -> float:
        if torch.cuda.is_available():
            return float(torch.cuda.memory_allocated())
        try:
            return int(Path("/proc/self/statm").read_text().split()[1]) * 4096.0
        except OSError:  # no such file on this system: no figure
            return float("nan")


def _error(prices: Prices, truth: np.ndarray) -> str:
    read = [(price, true) for price, true in zip(prices, truth, strict=True) if price is not None]
    mae = np.mean([abs(price - true) for price, true in read]) if read else float("nan")
    return f"MAE {mae:.0f} on {len(read)} of {len(prices)} read"


if __name__ == "__main__":
    main()
