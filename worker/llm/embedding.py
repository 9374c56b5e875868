"""Turns texts into vectors: all-MiniLM-L6-v2 from its wheel, in batches of similar length."""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from db.settings import settings
from worker.llm.local.device import pick_device, pick_dtype
from worker.llm.local.packages import embedding_folder
from worker.progress import Progress

BATCH = 32
# Texts between two reports of progress; they are sorted by length among themselves.
WINDOW = 512


class MiniLM:
    """An Embedder (worker.techniques.base). The model is loaded when the first text comes. Raises NotReady."""

    dims = 384

    def __init__(self, *, dtype: torch.dtype | None = None) -> None:
        self._dtype = dtype

    @cached_property
    def dtype(self) -> torch.dtype:
        return self._dtype or pick_dtype(pick_device(settings().device))

    @property
    def signature(self) -> str:
        """The name of these vectors, without the number type: bf16 and fp32 vectors of a text agree to a cosine of
        0.998 and may be mixed."""
        return "all-minilm-l6-v2"

    @cached_property
    def model(self) -> Any:
        from sentence_transformers import SentenceTransformer

        device = pick_device(settings().device)
        return SentenceTransformer(
            str(embedding_folder()), device=str(device), model_kwargs={"dtype": self.dtype}, local_files_only=True
        )

    def embed(self, texts: list[str], progress: Progress) -> npt.NDArray[np.float32]:
        """(n, 384) unit vectors, float32, in the order of the texts. A text is read to its 256th token."""
        out = np.empty((len(texts), self.dims), dtype=np.float32)
        for start in range(0, len(texts), WINDOW):
            part = texts[start : start + WINDOW]
            vectors = self.model.encode(part, batch_size=BATCH, convert_to_tensor=True, show_progress_bar=False)
            rows = vectors.float().cpu().numpy()
            out[start : start + len(part)] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
            progress.advance(len(part))
        return out
