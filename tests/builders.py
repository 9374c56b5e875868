"""Small real things for tests: a_dataset(), a_job(), some_predictions(), an_adapter()."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from db import adapters, datasets, jobs, rates
from db.engine import Session
from db.types import Adapter, AdapterState, DatasetState, JobKind, Priority, Queue, Split, Step
from worker import specs
from worker.evaluation import gate
from worker.specs import finetune
from worker.techniques.base import predictions

CATEGORIES = ("Lamps", "Chairs", "Tools")


def a_catalogue(n: int, *, seed: int = 1) -> pl.DataFrame:
    """Items whose price depends on the category and on a number in the title; ITEM_SCHEMA columns."""
    random = np.random.default_rng(seed)
    category = random.integers(0, len(CATEGORIES), n)
    size = random.integers(1, 20, n)
    return pl.DataFrame(
        {
            "row": np.arange(n),
            "title": [f"{CATEGORIES[c][:-1]} model {i} size {s}" for i, (c, s) in enumerate(zip(category, size))],
            "description": [
                f"A {CATEGORIES[c].lower()} of size {s}, item {i}." for i, (c, s) in enumerate(zip(category, size))
            ],
            "category": [CATEGORIES[c] for c in category],
            "brand": [("Acme", "Bolt")[i % 2] for i in range(n)],
            "price": np.round((category + 1) * 10 + size * 3.0, 2),
        }
    )


def products(n: int) -> pl.DataFrame:
    """A catalogue without near-duplicates."""
    random = np.random.default_rng(3)
    words = ["".join(random.choice(list("abcdefghijklmnopqrstuvwxyz"), 9)) for _ in range(3 * n)]
    titles = [" ".join(words[3 * i : 3 * i + 3]) for i in range(n)]
    return a_catalogue(n).with_columns(title=pl.Series(titles))


def a_dataset(
    session: Session, n: int = 100, *, unpriced: int = 0, name: str = "things", scale: float = 1,
    currency: str = "USD",
) -> int:  # fmt: skip
    """A ready dataset: 80 % train, 10 % validation, 10 % test of n priced items, then `unpriced` more.

    Prices are $13 to $87, times `scale`, or of another currency.
    """
    dataset_id = datasets.create(session, name=name, sha256="0" * 64, file_name=f"{name}.csv")
    sides = [Split.TRAIN] * (n * 8 // 10) + [Split.VALIDATION] * (n // 10)
    sides += [Split.TEST] * (n - len(sides)) + [Split.UNPRICED] * unpriced
    total = n + unpriced
    frame = a_catalogue(total).with_columns(
        price=pl.when(pl.int_range(total) < n).then(pl.col("price") * scale),
        line=pl.int_range(2, total + 2),
        external_id=pl.format("id-{}", pl.col("row")),
        split=pl.Series([str(side) for side in sides]),
        group_id=pl.col("row"),
    )
    datasets.add_items(session, dataset_id, frame)
    splits = {str(split): sides.count(split) for split in Split}
    datasets.change(
        session,
        dataset_id,
        state=DatasetState.READY,
        rows_in=total,
        items=total,
        splits=splits,
        inspection={"columns": []},
        currency=currency,
    )
    return dataset_id


def a_job(
    session: Session,
    dataset_id: int,
    *,
    pieces: Sequence[Sequence[int]] = ((0, 1), (2, 3)),
    spec: specs.BaseSpec | None = None,
    queue: Queue = Queue.CPU,
    priority: Priority = Priority.USUAL,
    seconds: Mapping[Step, float] = MappingProxyType({}),
) -> int:
    """A running job of fit, one chunk per piece, and evaluation; `seconds` as jobs.create takes them."""
    spec = spec or specs.ConstantSpec()
    values = spec.model_dump(mode="json")
    return jobs.create(
        session,
        kind=JobKind.PRICE,
        dataset_id=dataset_id,
        queue=queue,
        rate_id=rates.for_queue(session, queue),
        chunks=[(Step.FIT, []), *[(Step.PRICE, list(piece)) for piece in pieces], (Step.EVALUATE, [])],
        technique=values["technique"],
        spec=values,
        spec_hash=spec.hash,
        fit_key=spec.fit_key,
        items_total=sum(len(piece) for piece in pieces),
        priority=priority,
        seconds=seconds,
    )


def some_predictions(rows: Sequence[int], *, price: float = 10.0, status: str = "ok") -> pl.DataFrame:
    """Predictions with their cost, as the price step stores them."""
    frame = predictions(pl.DataFrame({"row": list(rows)}, schema={"row": pl.Int64}), np.full(len(rows), price))
    return frame.with_columns(
        price=pl.when(pl.lit(status == "ok")).then(pl.col("price")),
        status=pl.lit(status),
        seconds=pl.lit(0.5),
        usd=pl.lit(0.001),
    )


def an_adapter(session: Session, dataset_id: int | None, **changes: Any) -> Adapter:
    """A registered candidate that forgot nothing, with files of a few bytes; `changes` are fields of Adapter.

    Give each its own `id`: an adapter that is there already is not registered again.
    """
    name = datasets.get(session, dataset_id).name if dataset_id else "things"
    adapter = some_weights(**({"dataset_id": dataset_id, "dataset_name": name} | changes))
    files = {"adapter_config.json": b'{"peft_type": "LORA"}', "adapter_model.safetensors": b"weights"}
    adapters.register(session, adapter, {} if adapter.uses_endpoint else files)
    return adapters.get(session, adapter.id)


def some_weights(**changes: Any) -> Adapter:
    """An adapter that no database knows."""
    plain = Adapter(
        id="a" * 64,
        task="things",
        dataset_id=1,
        dataset_name="things",
        job_id=None,
        model="smollm2-135m",
        base="smollm2-135m",
        base_hash="b" * 64,
        form="tokens",
        spec=finetune.parse({"prompt": "listing@1"}).model_dump(mode="json"),
        fingerprint="f" * 64,
        train_rows=80,
        metrics={"mae": 9.5, "median_relative_error": 0.25, "parse_rate": 1.0, "loss": 1.5, "rows": 10, "step": 40},
        gate_report=a_report(0.01),
        usd=Decimal("0.25"),
        seconds=90.0,
        state=AdapterState.CANDIDATE,
        size_bytes=0,
        created_at=datetime.now(UTC),
    )
    return replace(plain, **changes)


def a_report(change: float, name: str = "neutral prose", rival: str = "") -> dict[str, Any]:
    """What the gate has on an adapter whose perplexity rose by this share; 5 % are allowed. It was compared with the
    adapter `rival`, if there was one."""
    part = gate.Part(name, "perplexity", np.linspace(2, 3, 30), np.linspace(2, 3, 30) + np.log1p(change))
    return gate.judge([part], 0.05, 0.95, rival).as_json()
