"""Lines that stand in a file many times in a row: read once, and kept as one reject with a count."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from worker.ingest.types import BATCH_ITEMS, Batch, Cells

_Numbers = npt.NDArray[np.int64]

_MANY = 64
"""Lines of the same length in a row that are worth comparing. Fewer are joined once they are rejects."""


def repeats(buffer: bytes, starts: _Numbers, ends: _Numbers, lines: _Numbers) -> npt.NDArray[np.bool_]:
    """(n,) whether each row of a buffer says the same as the one before it, where very many do.

    starts, ends, lines: (n,) first byte, line end and line of each row.
    """
    same = np.zeros(len(starts), dtype=bool)
    if len(starts) < _MANY:
        return same
    lengths = ends - starts
    follows = np.zeros(len(starts) + 1, dtype=bool)
    follows[1:-1] = (lengths[1:] == lengths[:-1]) & (starts[1:] == ends[:-1] + 1) & (np.diff(lines) == 1)
    edges = np.flatnonzero(np.diff(follows))
    for first, last in zip(edges[0::2], edges[1::2], strict=True):
        if last - first < _MANY:
            continue
        text = np.frombuffer(
            buffer, dtype=np.uint8, count=int(ends[last] + 1 - starts[first]), offset=int(starts[first])
        )
        rows = text.reshape(last + 1 - first, -1)
        same[first + 1 : last + 1] = (rows[1:] == rows[:-1]).all(axis=1)
    return same


def counts_of(same: npt.NDArray[np.bool_]) -> _Numbers:
    """How many rows each one that is not `same` stands for."""
    return np.diff(np.flatnonzero(~same), append=len(same)).astype(np.int64)


def told_apart(frame: pl.DataFrame, counts: _Numbers | None) -> pl.DataFrame:
    """A line of the frame for each of the lines of the file that one stands for; its column `line` counts on."""
    if counts is None or len(frame) == (total := int(counts.sum())):
        return frame
    further = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    repeated = frame[np.repeat(np.arange(len(frame)), counts)]
    return repeated.with_columns(line=pl.col("line") + pl.Series(further, dtype=pl.Int64))


def spread(cells: Cells) -> Cells:
    """The same cells with a row for each line, for a reader that counts none."""
    if cells.counts is None:
        return cells
    of_row = np.repeat(np.arange(len(cells.frame)), cells.counts)
    whole = told_apart(cells.frame.with_columns(line=pl.Series(cells.lines)), cells.counts)
    spoiled = {row: cells.spoiled[first] for row, first in enumerate(of_row.tolist()) if first in cells.spoiled}
    return replace(
        cells,
        frame=whole.drop("line"),
        lines=whole["line"].to_numpy(),
        raw=lambda row: cells.raw(int(of_row[row])),
        spoiled=spoiled,
        counts=None,
    )


def rejects_of(rejects: pl.DataFrame) -> pl.DataFrame:
    """Rejects, a line each: line, raw, reason."""
    return told_apart(rejects, rejects["count"].to_numpy()).drop("count")


def joined(rejects: pl.DataFrame) -> pl.DataFrame:
    """BATCH_REJECTS in the order of the file, in which equal ones on lines that follow each other are one."""
    follows = (
        (pl.col("line") == (pl.col("line") + pl.col("count")).shift())
        & (pl.col("raw") == pl.col("raw").shift())
        & (pl.col("reason") == pl.col("reason").shift())
    )
    run = rejects.select((~follows).fill_null(True).cum_sum()).to_series()
    if not len(rejects) or run[-1] == len(rejects):
        return rejects
    return (
        rejects.group_by(run.alias("run"), maintain_order=True)
        .agg(pl.col("line", "raw", "reason").first(), pl.col("count").sum())
        .select(rejects.columns)
    )


def joined_batches(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The batches, with rejects joined over their borders too: the last one waits for the next batch."""
    held: pl.DataFrame | None = None
    for batch in batches:
        rejects = joined(pl.concat([held, batch.rejects]) if held is not None else batch.rejects)
        held = rejects[-1:] if len(rejects) else None
        yield Batch(batch.items, rejects[:-1], batch.mended, batch.notes)
    if held is not None:
        yield Batch(pl.DataFrame(schema=BATCH_ITEMS), held)
