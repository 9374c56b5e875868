"""TabM: many small networks in one, on the features that the trees read (Gorishniy et al. 2024, arXiv:2410.24210)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import polars as pl
import tabm
import torch
from safetensors.numpy import load, save

from db.types import Artifact
from worker.progress import Progress
from worker.specs import TabMSpec
from worker.techniques.base import Resources, predictions
from worker.techniques.shared.features import Doubles, Features, Floats

_SLICE = 500  # items that are read at once
_BATCH = 256  # items of a step
_JUDGED = 20  # validation rows needed to stop early
_UNJUDGED_EPOCHS = 15  # where there are fewer
_PATIENCE = 6  # epochs without progress on the validation rows
_WEIGHT_DECAY = 3e-3
_DROPOUT = 0.2
_REACH = 5.0  # standard deviations beyond which a feature says no more


class TabM:
    """log price = the mean of `networks` outputs that share most of their weights. Each learns by its own error, so
    that they differ; the mean errs less than one."""

    def __init__(self, spec: TabMSpec, resources: Resources) -> None:
        del resources
        self._spec = spec
        self._features = Features()
        self._about: dict[str, Any] = {"width": 0, "centre": 0.0, "spread": 1.0}
        self._middle = self._scale = np.empty(0, dtype=np.float32)  # of each feature
        self._network: torch.nn.Module | None = None

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        priced = train.filter(pl.col("price") > 0)
        if len(priced) > self._spec.max_rows:
            priced = priced.sample(self._spec.max_rows, seed=0)
        if len(priced):
            self._learn(priced, validation.filter(pl.col("price") > 0), progress)
        progress.advance(len(train))
        return self._artifact()

    def load(self, artifact: Artifact) -> None:
        self._about = json.loads(artifact.parts["about.json"])
        means = self._about.pop("means")
        self._network = None
        if "network.safetensors" in artifact.parts:
            self._features.restore(load(artifact.parts["words.safetensors"]), means)
            arrays = load(artifact.parts["network.safetensors"])
            self._middle, self._scale = arrays.pop("feature.middle"), arrays.pop("feature.scale")
            self._network = self._made()
            self._network.load_state_dict({name: torch.from_numpy(values) for name, values in arrays.items()})

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        logs = np.full(len(items), np.nan)
        for start in range(0, len(items), _SLICE):
            part = items[start : start + _SLICE]
            if self._network is not None:
                logs[start : start + len(part)] = self._said(self._tensor(self._features.read(part)[1]))
            progress.advance(len(part))
        return predictions(items, np.exp(logs))

    def _learn(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> None:
        logs = np.log(train["price"].to_numpy())
        centre, spread = float(logs.mean()), max(float(logs.std()), 1e-6)
        _, columns = self._features.learn(train, logs - centre, self._spec.text_dims, progress)
        self._middle, self._scale = columns.mean(axis=0), columns.std(axis=0) + 1e-5
        self._about |= {"width": columns.shape[1], "centre": centre, "spread": spread}
        features = self._tensor(columns)
        targets = torch.from_numpy(((logs - centre) / spread).astype(np.float32))
        judged = len(validation) >= _JUDGED
        if judged:
            held = self._tensor(self._features.read(validation)[1])
            truth = np.log(validation["price"].to_numpy())
        with _seeded(self._spec.seed):
            self._network = self._made()
            best, left = (np.inf, _state(self._network)), _PATIENCE
            epochs = self._spec.epochs if judged else min(self._spec.epochs, _UNJUDGED_EPOCHS)
            for _ in _epochs(self._network, features, targets, self._spec, epochs, progress):
                if not judged:
                    continue
                error = float(np.abs(self._said(held) - truth).mean())
                if error < best[0]:
                    best, left = (error, _state(self._network)), _PATIENCE
                elif (left := left - 1) == 0:
                    break
        if judged:
            self._network.load_state_dict(best[1])

    def _made(self) -> torch.nn.Module:
        spec = self._spec
        network: torch.nn.Module = tabm.TabM.make(
            n_num_features=self._about["width"],
            d_out=1,
            k=spec.networks,
            n_blocks=spec.layers,
            d_block=spec.units,
            dropout=_DROPOUT,
        )
        return network

    def _tensor(self, columns: Floats) -> torch.Tensor:
        return torch.from_numpy(np.clip((columns - self._middle) / self._scale, -_REACH, _REACH))

    def _said(self, features: torch.Tensor) -> Doubles:
        """(n,) log prices."""
        assert self._network is not None
        self._network.eval()
        with torch.no_grad():
            answers = self._network(features)[:, :, 0].mean(dim=1)
        logs: Doubles = answers.numpy().astype(np.float64) * self._about["spread"] + self._about["centre"]
        return logs

    def _artifact(self) -> Artifact:
        parts = {"about.json": json.dumps({**self._about, "means": self._features.means}).encode()}
        if self._network is not None:
            arrays = {name: values.numpy() for name, values in self._network.state_dict().items()}
            scaling = {"feature.middle": self._middle, "feature.scale": self._scale}
            parts["network.safetensors"] = save(arrays | scaling)
            parts["words.safetensors"] = save(self._features.arrays())
        return Artifact(parts)


def _epochs(
    network: torch.nn.Module, features: torch.Tensor, targets: torch.Tensor, spec: TabMSpec, epochs: int,
    progress: Progress,
) -> Iterator[None]:  # fmt: skip
    """Train; once per pass over the rows the caller may look and leave."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=spec.learning_rate, weight_decay=_WEIGHT_DECAY)
    order = np.random.default_rng(spec.seed)
    for _ in range(epochs):
        network.train()
        for rows in np.array_split(order.permutation(len(targets)), max(1, len(targets) // _BATCH)):
            answers = network(features[rows])[:, :, 0]
            loss = ((answers - targets[rows][:, None]) ** 2).mean()  # of each network, not of their mean
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            progress.advance(0)  # so that cancelling works between two steps
        yield


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draws of torch from a seed, which leave the draws of others as they are."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _state(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: values.clone() for name, values in network.state_dict().items()}
