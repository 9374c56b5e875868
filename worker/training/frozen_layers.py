"""The output of the layers that do not learn: computed once per sample, kept on disk, read again in later epochs.

Where only the upper layers learn, the lower ones give the same output in every epoch. Measured on two cores: with the
lower 20 of 30 layers kept, an epoch takes half the time (docs/experiments.md, "Fine-tuning").
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

Tensor = torch.Tensor

FREE_SHARE = 0.5  # of the disk's free space that may be used


class Kept:
    """Hidden states of samples, in a file that a training on the same machine finds again after it was killed.

    `compute(samples)` gives a list of (length, width) states; it is asked only for what is not in the file.
    """

    def __init__(
        self,
        folder: Path,
        identity: str,
        lengths: Sequence[int],
        width: int,
        dtype: torch.dtype,
        compute: Callable[[list[int]], list[Tensor]],
    ) -> None:
        self._compute = compute
        self._dtype, self._width = dtype, width
        self._ends = np.cumsum(lengths)
        self._lengths = np.asarray(lengths)
        self._states, self._flags = folder / "lower.bin", folder / "lower.json"
        size = int(self._ends[-1]) * width * dtype.itemsize if len(lengths) else 0
        self._file: Tensor | None = None
        self._has = np.zeros(len(lengths), dtype=bool)
        self._identity = identity
        if 0 < size < shutil.disk_usage(folder).free * FREE_SHARE or self._states.is_file():
            self._open(size)

    def _open(self, size: int) -> None:
        known = json.loads(self._flags.read_text()) if self._flags.is_file() and self._states.is_file() else {}
        if known.get("identity") == self._identity and self._states.stat().st_size == size:
            self._has[known["has"]] = True
        else:
            with self._states.open("wb") as file:
                file.truncate(size)
        flat = torch.from_file(
            str(self._states), shared=True, size=int(self._ends[-1]) * self._width, dtype=self._dtype
        )
        self._file = flat.view(-1, self._width)

    @property
    def is_on_disk(self) -> bool:
        return self._file is not None

    def get(self, samples: list[int]) -> list[Tensor]:
        """(length, width) states of each sample; never to be written to."""
        if self._file is None:
            return self._compute(samples)
        missing = [i for i in samples if not self._has[i]]
        if missing:
            for i, state in zip(missing, self._compute(missing), strict=True):
                self._file[self._slice(i)] = state
                self._has[i] = True
        return [self._file[self._slice(i)] for i in samples]

    def flush(self) -> None:
        """Note what the file holds. Killed before that, the states are computed again."""
        if self._file is not None:
            part = self._flags.with_suffix(".part")
            part.write_text(json.dumps({"identity": self._identity, "has": np.flatnonzero(self._has).tolist()}))
            os.replace(part, self._flags)  # noqa: PTH105 - atomic, as Path.replace is; shorter to read here

    def _slice(self, i: int) -> slice:
        return slice(int(self._ends[i] - self._lengths[i]), int(self._ends[i]))
