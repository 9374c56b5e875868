"""The columns of sixty tables: each field is found where it stands, or said to be unsure."""

import pytest

from tests.worker.ingest.column_tables import TABLES, Columns
from worker.ingest import columns
from worker.ingest.evidence import LIKELY

CRITICAL = ("id", "title", "description", "price", "currency", "brand")


def test_there_are_enough_tables_of_different_names() -> None:
    assert len({table.name for table in TABLES}) == len(TABLES) >= 40


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_each_field_is_where_it_stands_or_unsure(table: Columns) -> None:
    proposal = columns.propose(table.header, table.cells)
    assert set(proposal.unsure) == table.doubtful
    right, found = table.right, proposal.mapping
    for field in CRITICAL:
        if field not in table.doubtful and (field != "description" or "title" not in table.doubtful):
            assert found.get(field) == right.get(field), field
    # A category that content alone proposes may be any that repeats; one that is named must be found.
    assert right.get("category") in (None, found.get("category"))
    sure = {field for field in found if field not in proposal.unsure}
    assert all(proposal.fits[field][0].confidence >= LIKELY for field in sure)
    assert all(fit.why for fits in proposal.fits.values() for fit in fits)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_order_of_columns_decides_nothing_that_is_said_to_be_sure(table: Columns) -> None:
    backwards = columns.propose(table.header[::-1], [row[::-1] for row in table.cells])
    proposal = columns.propose(table.header, table.cells)
    for field in {*proposal.mapping} - {"category", *table.doubtful}:
        assert backwards.mapping.get(field) == proposal.mapping[field]
