"""The speed of pricing a new table with what was learned on another: the product's whole job beside the bare library.

python -m benchmarks.elsewhere [--rows 100000] [--source 100000] [--only ridge|neighbours] [--profile FILE]

Both tables are generated. The source is fitted before the clock runs; then the new table is priced by a real job, whose
chunks this process does itself, one after the other, from the lease to the commit. Its last step, which sets the new
table beside the source, is counted apart. The vectors are drawn, not embedded, so that the figure for neighbours is
that of everything else: `embeddings` has the speed of the model.

Peers, in the same process after the job: for ridge scikit-learn's vectorizers and Ridge with the same settings and
weights, from texts and from the ready matrix; for neighbours the exact nearest by a matrix product in numpy, and the
bare pgvector query, on the very same vectors.
"""

import argparse
import cProfile
import pstats
import time
import zlib
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.stack import fresh_stack, line

Floats = npt.NDArray[np.float32]

KINDS = 400
K = 20
TEST, VALIDATION = 200, 1_000
SAMPLE = 2_000  # rows that a slow peer answers


class Drawn:
    """A stand-in Embedder: a text's vector is that of its kind and a part of chance, both read off its hash."""

    dims, signature = 384, "drawn"

    def __init__(self) -> None:
        random = np.random.default_rng(5)
        self._kinds = random.standard_normal((KINDS, self.dims), dtype=np.float32)
        self._own = random.standard_normal((4096, self.dims), dtype=np.float32)
        self.count = 0

    def embed(self, texts: list[str], progress: object) -> Floats:
        del progress
        self.count += len(texts)
        numbers = np.array([zlib.crc32(text.encode()) for text in texts], dtype=np.int64)
        kinds = np.array([zlib.crc32(text.split(" ", 1)[0].encode()) % KINDS for text in texts], dtype=np.int64)
        vectors = self._kinds[kinds] + 0.5 * self._own[numbers % 4096] + 0.5 * self._own[numbers // 4096 % 4096]
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def table(rows: int, seed: int) -> pl.DataFrame:
    """row, title, description, category, brand, price; words as unevenly frequent as in real texts, prices by kind."""
    random = np.random.default_rng(seed)
    words = np.array([f"word{i}" for i in range(20_000)])
    shares = 1 / np.arange(1, len(words) + 1)
    drawn = words[random.choice(len(words), (rows, 38), p=shares / shares.sum())]
    kind = random.integers(0, KINDS, rows)
    pairs = zip(kind, drawn, strict=True)
    price = np.exp(2 + 3 * kind / KINDS + random.normal(0, 0.3, rows))
    return pl.DataFrame(
        {
            "row": np.arange(rows),
            "title": [f"kind{k} {' '.join(line[:8])} {i}-{seed}" for i, (k, line) in enumerate(pairs)],
            "description": [" ".join(line[8:]) for line in drawn],
            "category": [f"category {k // 20}" for k in kind],
            "brand": [f"brand {k % 90}" for k in random.integers(0, 10_000, rows)],
            "price": np.round(price, 2),
        }
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.elsewhere")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--source", type=int, default=100_000)
    parser.add_argument("--only", choices=["ridge", "neighbours"])
    parser.add_argument("--profile", help="write where the time of the jobs goes into this file")
    chosen = parser.parse_args()
    with fresh_stack(worker=False):
        work = Bench(table(chosen.source + TEST + VALIDATION, 1), table(chosen.rows, 2), chosen.profile)
        if chosen.only != "neighbours":
            work.ridge()
        if chosen.only != "ridge":
            work.neighbours()


class Bench:
    """The two tables, loaded, and the worker of their jobs."""

    def __init__(self, source: pl.DataFrame, new: pl.DataFrame, profile: str | None) -> None:
        from worker import app, running
        from worker.knowledge import index

        self.embedder = Drawn()
        index.embedder = lambda: self.embedder  # type: ignore[assignment]
        self._sent: list[int] = []
        for module in (app, running):
            setattr(module, "send", self._send)  # noqa: B010 - both import it by its name
        self._run: Callable[[int], None] = running.run_chunk
        self._profile = profile
        self.source, self.new = source, new
        count = len(source) - TEST - VALIDATION
        sides = ["train"] * count + ["validation"] * VALIDATION + ["test"] * TEST
        self.source_id = _loaded("source", source, sides)
        self.new_id = _loaded("new", new.with_columns(price=pl.lit(None, pl.Float64)), ["unpriced"] * len(new))

    def _send(self, chunk_id: int, queue: object) -> None:
        del queue
        self._sent.append(chunk_id)

    def ridge(self) -> None:
        from worker import specs

        spec = specs.RidgeSpec()
        ours, last = self._priced(spec)
        self._lines("ridge", ours, last)
        whole, ready = _sklearn(self.source, self.new.head(SAMPLE), spec)
        line("  the same", ours, "scikit-learn from texts", whole, "rows/s")
        line("  the same", ours, "its predict alone", ready, "rows/s")

    def neighbours(self) -> None:
        from worker import specs

        spec = specs.NeighboursSpec(k=K)
        ours, last = self._priced(spec)
        assert self.embedder.count <= len(self.new) + SAMPLE, "more was embedded than the new rows"
        self._lines("neighbours", ours, last)
        line("  the same", ours, "numpy, exact", self._numpy(), "rows/s")
        line("  the same", ours, "pgvector, bare query", self._pgvector(), "rows/s")

    def _lines(self, name: str, ours: float, last: float) -> None:
        rows = len(self.new)
        whole = rows / (rows / ours + last)
        print(
            f"{name}, {rows:,} new rows, learned from {len(self.source):,}: {ours:,.0f} rows/s priced, "
            f"{last:.1f} s to set the table beside its source; {whole:,.0f} rows/s in all"
        )

    def _priced(self, spec: object) -> tuple[float, float]:
        """Rows per second of a job on the new table, and seconds of its last step; the source is fitted before."""
        from db import jobs
        from db.engine import begin
        from db.types import JobState, Split, Step
        from worker.pricing import actions

        began = time.perf_counter()
        actions.start(self.source_id, [spec], Split.TEST)  # type: ignore[list-item]
        self._drain()
        print(f"the source: {time.perf_counter() - began:.0f} s to fit, and to price its test rows", flush=True)
        before, self.embedder.count = _kept(), 0
        began = time.perf_counter()
        [job_id] = actions.start(self.new_id, [spec], source_id=self.source_id)  # type: ignore[list-item]
        profile = cProfile.Profile() if self._profile else nullcontext()
        with profile:
            self._drain()
        seconds = time.perf_counter() - began
        if self._profile and isinstance(profile, cProfile.Profile):
            with open(f"{self._profile}-{spec.technique}", "w") as file:  # type: ignore[attr-defined]  # noqa: PTH123
                pstats.Stats(profile, stream=file).sort_stats("cumulative").print_stats(120)
        with begin() as session:
            job = jobs.get(session, job_id)
        assert job.state is JobState.DONE, job.error
        assert _kept() == before, "something was fitted again"
        last = _seconds(job_id, Step.EVALUATE)
        return len(self.new) / (seconds - last), last

    def _drain(self) -> None:
        while self._sent:
            self._run(self._sent.pop(0))

    def _vectors(self, items: pl.DataFrame) -> Floats:
        from worker.knowledge.index import texts_of

        return self.embedder.embed(texts_of(items), None)

    def _numpy(self) -> float:
        known = self.source.head(len(self.source) - TEST - VALIDATION)
        vectors, logs = self._vectors(known).T.copy(), np.log(known["price"].to_numpy())
        asking = self._vectors(self.new)
        began = time.perf_counter()
        for start in range(0, len(asking), 256):
            alike = asking[start : start + 256] @ vectors
            nearest = np.argpartition(-alike, K, axis=1)[:, :K]
            weight = np.exp(12 * np.take_along_axis(alike, nearest, 1))
            np.exp((weight * logs[nearest]).sum(1) / weight.sum(1))
        return len(asking) / (time.perf_counter() - began)

    def _pgvector(self) -> float:
        from db import engine
        from db.knowledge import bases

        asking = self._vectors(self.new.head(SAMPLE))
        with engine.begin() as session:
            base = bases.of(session, self.source_id)
            assert base is not None
            connection = session.connection()
            connection.exec_driver_sql("SET LOCAL hnsw.ef_search = 200")
            began = time.perf_counter()
            for vector in asking:
                connection.exec_driver_sql(
                    f"SELECT id, price FROM knowledge_items WHERE base_id = {base.id} AND embedding IS NOT NULL "
                    f"ORDER BY embedding::halfvec(384) <#> %s::halfvec(384) LIMIT {K}",
                    (str(vector.tolist()),),
                ).all()
        return len(asking) / (time.perf_counter() - began)


def _sklearn(source: pl.DataFrame, new: pl.DataFrame, spec: object) -> tuple[float, float]:
    """Rows per second from texts to prices, and from a ready matrix, of the same columns in scikit-learn."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import FeatureUnion, make_pipeline

    from worker.specs import RidgeSpec
    from worker.techniques.shared.ngrams import text_of, vectorizer

    assert isinstance(spec, RidgeSpec)
    size = spec.max_features
    ways = [vectorizer("word", (1, spec.word_ngrams), size), vectorizer("char_wb", (3, spec.char_ngrams), size)]
    features = FeatureUnion(
        [(str(i), make_pipeline(way, TfidfTransformer(sublinear_tf=True))) for i, way in enumerate(ways)]
    )
    learned = source.head(SAMPLE)
    model = Ridge(alpha=spec.alpha, solver="sparse_cg", tol=1e-2)
    model.fit(features.fit_transform(text_of(learned)), np.log(learned["price"].to_numpy()))
    began = time.perf_counter()
    matrix = features.transform(text_of(new))
    middle = time.perf_counter()
    np.exp(model.predict(matrix))
    ended = time.perf_counter()
    return len(new) / (ended - began), len(new) / (ended - middle)


def _loaded(name: str, frame: pl.DataFrame, sides: list[str]) -> int:
    from db import datasets
    from db.engine import begin
    from db.types import DatasetState, Split

    split = pl.Series(sides)
    counts = {str(side): int((split == str(side)).sum()) for side in Split}
    with begin() as session:
        dataset_id = datasets.create(session, name=name, sha256="0" * 64, file_name=f"{name}.csv")
        row = pl.col("row")
        datasets.add_items(
            session,
            dataset_id,
            frame.with_columns(line=row + 2, external_id=pl.format("id-{}", row), split=split, group_id=row),
        )
        datasets.change(
            session, dataset_id, state=DatasetState.READY, items=len(frame), rows_in=len(frame), splits=counts
        )
    return dataset_id


def _kept() -> list[object]:
    """What fits have left, and how many items are known."""
    from sqlalchemy import text

    from db.engine import begin

    with begin() as session:
        fits = session.execute(text("SELECT hash, part FROM artifacts WHERE fit_seconds > 0 ORDER BY 1, 2")).all()
        known = session.scalar(text("SELECT count(*) FROM knowledge_items"))
    return [*map(tuple, fits), known]


def _seconds(job_id: int, step: object) -> float:
    from sqlalchemy import text

    from db.engine import begin

    with begin() as session:
        query = text(
            "SELECT extract(epoch FROM sum(finished_at - started_at)) FROM chunks WHERE job_id = :job AND step = :step"
        )
        return float(session.scalar(query, {"job": job_id, "step": str(step)}) or 0.0)


if __name__ == "__main__":
    main()
