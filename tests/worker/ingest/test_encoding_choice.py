"""Every encoding that is offered can be chosen, is shown as it reads the file, and double encoding is told."""

from pathlib import Path

import polars as pl
import pytest

from db.errors import UnreadableFile
from tests.worker.ingest.cases.base import HEAD, PLAIN, workbook
from tests.worker.ingest.cases.containers import SHEET
from worker.files import encodings
from worker.ingest import read
from worker.progress import Silent

TEXTS = {
    "shift_jis": "机の上のランプ",
    "cp932": "青いマグカップ①",
    "euc_jp": "ウールの敷物",
    "euc_kr": "책상 램프",
    "cp949": "파란 머그컵 똠",
    "gb18030": "台灯和地毯",
    "big5": "藍色馬克杯",
    "cp1250": "Židle s polštářem",
    "cp1251": "Настольная лампа",
    "cp1253": "Φωτιστικό γραφείου",
    "cp1254": "Çalışma lambası ğ",
    "cp1255": "מנורת שולחן",
    "cp1256": "مصباح مكتب",
    "cp1257": "Rašomojo stalo lempa ų",
    "cp1258": "đèn bàn",
    "koi8-r": "Синяя кружка",
    "koi8-u": "Синій кухоль її",
    "mac_roman": "Crème brûlée – dôme",
    "iso8859-2": "Žluťoučký kůň",
    "iso8859-15": "Cœur à 5 €",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_an_encoding_that_is_chosen_reads_the_file_and_was_shown(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "stored"
    text = TEXTS[encoding]
    path.write_bytes(f"{HEAD}\na1,{text},5\na2,Mug,6\n".encode(encoding))
    assert encodings.of_file(path)[encoding] == f"a1,{text},5"
    look = read.inspect(path, "t.csv", {"encoding": encoding})
    items = pl.concat([batch.items for batch in read.batches(path, look, look.mapping, Silent())])
    assert items["title"].to_list() == [text, "Mug"]
    try:  # a look without that either says that it is not sure, or fails
        warnings = read.inspect(path, "t.csv").warnings
    except UnreadableFile as error:
        warnings = [str(error)]
    assert any("--encoding" in warning for warning in warnings)


def test_what_reads_like_japanese_is_named_as_an_example(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    rows = "".join(f"a{i},lamp of the desk no. {i} ランプ,{i}\n" for i in range(1, 20))
    path.write_bytes(f"{HEAD}\n{rows}".encode("euc_jp"))
    told = " ".join(read.inspect(path, "t.csv").warnings)
    assert "--encoding euc_jp reads 'lamp of the desk no. 1 ランプ'" in told


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("CafÃ© au lait", "1 cell looks encoded twice in the first 2 rows, such as 'CafÃ© au lait' for 'Café au lait'"),
        ("weiÃŸ", "such as 'weiÃŸ' for 'weiß'"),
        ("5 â‚¬", "such as 'â‚¬' for '€'"),
        ("Ð›ÑŽÐºÑ", "such as 'Ð›ÑŽÐºÑ' for 'Люк"),
        ("CAFÉ™ LÃ", ""),
        ("Crème Â° brûlée", "such as 'Â° brûlée' for '° brûlée'"),
    ],
)
def test_text_that_was_encoded_twice_is_told_with_an_example(cell: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_text(f"{HEAD}\na1,{cell},5\na2,Mug,6\n", encoding="utf-8")
    warnings = [each for each in read.inspect(path, "t.csv").warnings if "encoded twice" in each]
    assert bool(warnings) is bool(sentence)
    assert sentence in " ".join(warnings)


@pytest.mark.parametrize(
    ("name", "forced", "sentence"),
    [
        ("t.csv", {"sheet": "P"}, "has no sheets"),
        ("t.csv", {"header_line": 900}, "no line 900 that could be its header"),
        ("t.csv", {"encoding": "klingon"}, "no text encoding named 'klingon'"),
        ("t.csv", {"encoding": "base64"}, "no text encoding named 'base64'"),
        ("t.csv", {"delimiter": "ab"}, "can't separate"),
        ("t.xlsx", {"encoding": "utf-8"}, "needs no encoding"),
        ("t.xlsx", {"delimiter": ";"}, "no delimiter"),
        ("t.xlsx", {"header_line": 900}, "no line 900"),
    ],
)
def test_what_a_file_can_not_have_is_one_sentence(
    name: str, forced: dict[str, object], sentence: str, tmp_path
) -> None:
    path = tmp_path / "stored"
    path.write_bytes(PLAIN if name == "t.csv" else workbook(("P", SHEET)))
    with pytest.raises(UnreadableFile, match=sentence) as caught:
        read.inspect(path, name, forced)
    assert str(caught.value).endswith(".")
