"""Vectors of rows that looked for similar known items, kept so that the next technique need not embed them again.

Half-precision numbers, as knowledge bases have them; one vector a row, of the model that was used last.
"""

import numpy as np
import numpy.typing as npt
from sqlalchemy import text
from sqlalchemy.orm import Session

MOST = 200_000
"""Rows of a dataset of which vectors are kept, the first ones: 150 MB with 384 numbers each. The others are embedded
each time."""

Halves = npt.NDArray[np.float16]


def put(
    session: Session, dataset_id: int, signature: str, rows: list[int], text_hashes: list[str], vectors: Halves
) -> None:
    """Keep a vector of each row (n, dims), with the hash of the text that was embedded; in place of one that is there.
    Numbers that no row of the dataset has are left out."""
    lines = sorted(zip(rows, text_hashes, vectors, strict=True), key=lambda line: line[0])  # one order, no deadlock
    session.execute(
        text(
            """INSERT INTO query_vectors (dataset_id, row, signature, text_hash, embedding)
               SELECT i.dataset_id, i.row, :signature, v.hash, v.embedding
               FROM unnest(CAST(:rows AS bigint[]), CAST(:hashes AS text[]), CAST(:vectors AS bytea[]))
                    AS v(row, hash, embedding)
               JOIN items i ON i.dataset_id = :dataset AND i.row = v.row AND i.row < :most
               ORDER BY i.row
               ON CONFLICT (dataset_id, row) DO UPDATE SET
                   signature = excluded.signature, text_hash = excluded.text_hash, embedding = excluded.embedding"""
        ),
        {
            "dataset": dataset_id,
            "signature": signature,
            "rows": [row for row, _, _ in lines],
            "hashes": [text_hash for _, text_hash, _ in lines],
            "vectors": [vector.astype("<f2").tobytes() for _, _, vector in lines],
            "most": MOST,
        },
    )


def get(session: Session, dataset_id: int, signature: str, rows: list[int]) -> dict[tuple[int, str], Halves]:
    """The vectors of these rows that a model made: by row and hash of the text that was embedded."""
    lines = session.execute(
        text(
            """SELECT row, text_hash, embedding FROM query_vectors
               WHERE dataset_id = :dataset AND signature = :signature AND row = ANY(:rows)"""
        ),
        {"dataset": dataset_id, "signature": signature, "rows": rows},
    )
    return {(row, text_hash): np.frombuffer(raw, dtype="<f2") for row, text_hash, raw in lines}


def count(session: Session, dataset_id: int, signature: str) -> int:
    """How many rows of a dataset have a vector of a model."""
    query = text("SELECT count(*) FROM query_vectors WHERE dataset_id = :dataset AND signature = :signature")
    return int(session.scalar(query, {"dataset": dataset_id, "signature": signature}) or 0)
