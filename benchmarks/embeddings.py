"""The speed of sentence embeddings: ours beside sentence-transformers as it comes, same texts, with the difference."""

import time
from collections.abc import Callable

import numpy as np

from worker.demo import catalogue
from worker.llm.embedding import MiniLM
from worker.llm.local.packages import embedding_folder
from worker.progress import Silent
from worker.techniques.shared.prompting import item_texts

ROWS = 384


def main() -> None:
    from sentence_transformers import SentenceTransformer

    texts = [item["product"] for item in item_texts(catalogue(ROWS))]
    peer = SentenceTransformer(str(embedding_folder()), local_files_only=True)
    ours = MiniLM()
    peer.encode(texts[:8], show_progress_bar=False)
    ours.embed(texts[:8], Silent())
    theirs, slow = _timed(lambda: peer.encode(texts, normalize_embeddings=True, show_progress_bar=False))
    vectors, fast = _timed(lambda: ours.embed(texts, Silent()))
    print(f"embeddings, {ROWS} demo items       ours {fast:>8.1f} /s   sentence-transformers {slow:>8.1f} /s   "
          f"ratio {fast / slow:.2f}x   worst cosine {(theirs * vectors).sum(1).min():.4f}")  # fmt: skip


def _timed(run: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    began = time.perf_counter()
    vectors = run()
    return vectors, len(vectors) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
