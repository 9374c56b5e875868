"""Values that another table never had."""

import polars as pl

from worker.evaluation import novelty


def test_new_values_are_counted_whatever_their_case_and_no_value_is_none() -> None:
    known = novelty.values(pl.Series(["Lamps", " chairs ", ""]))
    table = pl.DataFrame({"category": ["LAMPS", "Chairs", "", "Boats", "boats ", "Kites"]})
    assert novelty.unknown(known, table, "category").rows() == [("Boats", 2), ("Kites", 1)]
    assert novelty.unknown(known, table[:3], "category").is_empty()
