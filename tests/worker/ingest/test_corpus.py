"""Every odd file gives exactly the items and rejects it should, or one clear sentence."""

from pathlib import Path

import polars as pl
import pytest

from db.errors import UnreadableFile
from tests.worker.ingest.corpus import CASES, Case
from worker.ingest import read, repeated_lines
from worker.progress import Silent

READABLE = [case for case in CASES if not case.error]
UNREADABLE = [case for case in CASES if case.error]


def test_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.slow
@pytest.mark.parametrize("case", READABLE, ids=lambda case: case.name)
def test_odd_file_becomes_exactly_these_items_and_rejects(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(case.data)
    inspection = read.inspect(path, case.file_name)
    assert inspection.header_line == case.header_line
    assert read.Inspection.model_validate_json(inspection.model_dump_json()) == inspection

    assert bool(inspection.wide_rows) is case.wide
    assert case.unsure is None or set(inspection.unsure) == set(case.unsure)
    mapping = inspection.mapping | case.mapping
    assert (mapping.get("price") in inspection.undecided) is (case.decimal is not None)
    if case.decimal:
        inspection = inspection.model_copy(update={"decimals": {mapping["price"]: case.decimal}})
    likelier = [f"{each['sign']!r} because {each['why']}" for each in inspection.likelier.values()]
    told = [*inspection.warnings, *inspection.undecided.values(), *likelier]
    for part in case.told:
        assert any(part in sentence for sentence in told), told
    inspection = inspection.model_copy(update={"answers": {"lower_ends": case.lower_ends}})
    if case.stops:
        with pytest.raises(UnreadableFile) as caught:
            list(read.batches(path, inspection, mapping, Silent()))
        assert case.stops in str(caught.value)
        return
    batches = list(read.batches(path, inspection, mapping, Silent()))
    items = pl.concat([batch.items for batch in batches])
    rejects = repeated_lines.rejects_of(pl.concat([batch.rejects for batch in batches]))
    assert sum(batch.rows for batch in batches) == len(items) + len(rejects)

    assert items.select("external_id", "title", "price").rows() == case.items
    assert list(rejects["line"]) == sorted(case.rejects)
    for line, raw, reason in rejects.rows():
        assert case.rejects[line] in reason
        assert reason
        assert "\0" not in raw
    for column, values in case.more.items():
        assert items[column].to_list() == values
    lines = [*items["line"], *rejects["line"]]
    assert len(set(lines)) == len(lines) == len(case.items) + len(case.rejects)
    seldom = ("price", "original_price", "weight", "side", "date", "quantity")
    assert not items.drop(*seldom).select(pl.all().is_null().any()).row(0).count(True)


@pytest.mark.parametrize("case", UNREADABLE, ids=lambda case: case.name)
def test_unreadable_file_gets_one_sentence(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(case.data)
    with pytest.raises(UnreadableFile) as caught:
        read.inspect(path, case.file_name)
    sentence = str(caught.value)
    assert case.error in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
