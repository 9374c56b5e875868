"""--header-line, --sheet, --encoding and --delimiter: every verb that takes a file reads it as they say."""

import pytest

from db import datasets
from db.engine import begin
from db.errors import UserError
from tests.worker.ingest.cases.base import workbook
from tests.worker.ingest.cases.containers import SHEET


@pytest.fixture
def run(command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return command


def titles() -> list[str]:
    with begin() as session:
        newest = max(each.id for each in datasets.all(session))
        return datasets.items(session, newest, details=True)["title"].to_list()


@pytest.mark.slow
def test_a_file_is_read_as_the_options_say(run, tmp_path):
    (tmp_path / "sjis.csv").write_bytes("id;title;price\na1;机のランプ;5\na2;青いマグ;6\n".encode("shift_jis"))
    told = run("load", "sjis.csv", "--encoding", "shift_jis")
    assert titles() == ["机のランプ", "青いマグ"]
    assert "encoding" not in told
    (tmp_path / "odd.csv").write_text("id,title,price\nsku~name~price\na1~Lamp, red~5\na2~Mug, blue~6\n")
    run("load", "odd.csv", "--delimiter", "~", "--header-line", "2")
    assert titles() == ["Lamp, red", "Mug, blue"]
    (tmp_path / "tab.txt").write_text("a1\tLamp\t5\na2\tMug\t6\n")
    run("load", "tab.txt", "--delimiter", "tab", "--header-line", "0", "--map", "title=column_2")
    assert titles() == ["Lamp", "Mug"]
    (tmp_path / "book.xlsx").write_bytes(workbook(("New", SHEET), ("Old", [SHEET[0], ["b", "Old lamp", 4]])))
    told = run("load", "book.xlsx", "--sheet", "Old")
    assert titles() == ["Old lamp"]
    assert "The workbook has 2 sheets; only 'Old' (2 rows, 3 columns) is read, not 'New' (4 rows, 3 columns)." in (
        " ".join(told.split())
    )
    many = [SHEET[0], *[[f"p{i}", f"Lamp model {i}", i + 0.5] for i in range(1, 61)]]
    (tmp_path / "long.xlsx").write_bytes(workbook(("New", many), ("Old", [SHEET[0], ["b", "Old lamp", 4]])))
    run("price", "long.xlsx", "--technique", "constant", "--sheet", "New", "--rows", "test")
    assert len(titles()) == 60


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--delimiter", "ab"], "--delimiter 'ab' can't separate cells"),
        (["--encoding", "klingon"], "There is no text encoding named 'klingon'"),
        (["--sheet", "P"], "has no sheets"),
        (["--header-line", "90"], "no line 90 that could be its header"),
    ],
)
def test_an_impossible_value_is_one_sentence(run, tmp_path, options, sentence):
    (tmp_path / "t.csv").write_text("id,title,price\na1,Lamp,5\n")
    with pytest.raises(UserError) as caught:
        run("load", "t.csv", *options)
    assert sentence in str(caught.value)


def test_options_of_reading_belong_to_a_file(run):
    with pytest.raises(UserError, match="--header-line, --sheet says how a file is read, and there is no file shop"):
        run("price", "shop", "--technique", "constant", "--sheet", "P", "--header-line", "3")
