"""Texts whose encoding nobody can be sure of, read as cp1252 at first, and texts that were encoded twice."""

from tests.worker.ingest.cases.base import HEAD, MUG, ROWS, RUG, Case, lines

MORE_ENCODINGS = [
    Case(
        "encoded twice, one cell",
        "t.csv",
        lines(HEAD, "a1,CafÃ© lamp,12.50", *ROWS[1:]),
        [("a1", "CafÃ© lamp", 12.5), MUG, RUG],
    ),
    Case(
        "encoded twice, German and quotes",
        "t.csv",
        lines(HEAD, "a1,StÃ¼hle â€“ weiÃŸ,12.50", *ROWS[1:]),
        [("a1", "StÃ¼hle â€“ weiÃŸ", 12.5), MUG, RUG],
    ),
    Case(
        "a capital Ã of its own is no double encoding",
        "t.csv",
        lines(HEAD, "a1,LÃ lamp,12.50", *ROWS[1:]),
        [("a1", "LÃ lamp", 12.5), MUG, RUG],
    ),
    Case(
        "cp1252 with many accents",
        "t.csv",
        lines(HEAD, "a1,Crème brûlée – dôme,12.50", *ROWS[1:], encoding="cp1252"),
        [("a1", "Crème brûlée – dôme", 12.5), MUG, RUG],
    ),
]
