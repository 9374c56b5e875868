"""`pricewright load` and files given to `price`: nothing is guessed in silence, and nothing is loaded twice unasked."""

import json

import pytest
from typer.testing import CliRunner

from db import datasets
from db.engine import begin
from db.errors import MappingError, OpenQuestion, UserError
from db.settings import settings
from db.types import DatasetState
from worker import specs
from worker.cli import main

PLAIN = "id,title,price\n" + "".join(f"a{i},Lamp model {i},{i + 10}.99\n" for i in range(60))
OPEN = "id;title;price\n" + "".join(f"a{i};Lamp model {i};{i + 10}.294\n" for i in range(60))


@pytest.fixture
def run(command, monkeypatch, tmp_path):
    """run("load", "plain.csv") gives what is printed; errors are raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(specs, "defaults", lambda: [specs.ConstantSpec()])  # a demo in seconds
    monkeypatch.setenv("PRICEWRIGHT_DEMO_TRAIN_ROWS", "0")
    settings.cache_clear()
    yield command
    settings.cache_clear()


def all_datasets():
    with begin() as session:
        return datasets.all(session)


def prices(dataset_id: int) -> list[float | None]:
    with begin() as session:
        return datasets.items(session, dataset_id)["price"].to_list()


@pytest.mark.slow
def test_prices_with_two_readings_are_not_loaded_before_somebody_says_which(run, tmp_path):
    (tmp_path / "open.csv").write_text(OPEN)
    for command in (["load", "open.csv"], ["price", "open.csv", "--technique", "constant"], ["demo", "open.csv"]):
        with pytest.raises(MappingError) as caught:
            run(*command)
        assert "with a decimal point '10.294' is 10.294, with a decimal comma it is 10294" in str(caught.value)
        assert "--decimal point or --decimal comma" in str(caught.value)
    assert all_datasets() == []  # what nobody can go on with is not left behind
    run("load", "open.csv", "--decimal", "point", "--name", "point")
    told = run("price", "open.csv", "--technique", "constant", "--decimal", "comma")
    by_name = {each.name: each for each in all_datasets()}
    assert prices(by_name["point"].id)[0] == 10.294
    assert prices(by_name["open"].id)[0] == 10294
    assert by_name["open"].inspection["answers"]["decimal"] == ","
    assert "Category median" in told


def test_rows_wider_than_the_header_are_not_loaded_before_somebody_confirms_how(run, tmp_path):
    (tmp_path / "cut.csv").write_text("sku,name,price\nA1,Lamp one,19,50\nA2,Lamp two,12,25\n")
    (tmp_path / "shifted.csv").write_text("title,brand,price\nred,Lamp one,Acme,19.99\nblue,Lamp two,Acme,7.5\n")
    with pytest.raises(MappingError, match="sku = A1, name = Lamp one, price = 19,50: .*accept-wide-rows"):
        run("load", "cut.csv")
    with pytest.raises(MappingError, match=".*accept-wide-rows"):
        run("price", "shifted.csv", "--technique", "constant")
    assert all_datasets() == []
    told = run("load", "cut.csv", "--accept-wide-rows")
    assert "Warning: The header names 3 columns, but all rows have more cells" in told
    assert prices(all_datasets()[0].id) == [19.5, 12.25]


@pytest.mark.slow
def test_the_mapping_and_every_warning_of_the_look_are_told(run, tmp_path):
    header, *rows = PLAIN.splitlines()
    wider = [
        f"{header.replace('price', 'Sale price')},Regular price",
        *(f"{row},{i + 20}.50" for i, row in enumerate(rows)),
    ]
    (tmp_path / "sale.csv").write_text("\n".join(["Our list", *wider]))
    warnings = [
        "1 line before the table is skipped; it is no row.",
        "'Regular price' (regular, 100 % filled, median 50) is taken for the price; 'Sale price' (sale, 100 % filled, "
        "median 40.49) is a price too.",
    ]
    told = run("load", "sale.csv")
    assert (
        "Columns: id = 'id', title = 'title', price = 'Regular price'; no description, no category, no brand." in told
    )
    assert all(f"Warning: {warning}" in told for warning in warnings)
    as_json = json.loads(run("load", "sale.csv", "--json"))
    assert as_json["warnings"] == warnings
    assert as_json["mapping"] == {"id": "id", "title": "title", "price": "Regular price"}
    priced = json.loads(run("price", "sale.csv", "--technique", "constant", "--json"))
    assert priced["file"]["warnings"] == warnings
    assert priced["file"]["mapping"]["price"] == "Regular price"


def test_a_file_that_brings_no_item_ends_with_the_reason(run, tmp_path):
    (tmp_path / "none.csv").write_text("id,title,price\na,Lamp,dear\nb,Mug,cheap\n")
    with pytest.raises(UserError, match=r"Nothing was loaded from none.csv: all of its 2 rows are rejects \(2 × price"):
        run("load", "none.csv", "--map", "price=price")
    report = CliRunner().invoke(main.app, ["load", "none.csv", "--map", "price=price", "--json"])
    assert isinstance(report.exception, UserError)
    assert "Nothing was loaded" in str(report.exception)
    assert json.loads(report.stdout)["items"] == 0
    (tmp_path / "untitled.csv").write_text("id,title,price\na,,5\nb,,6\n")
    for command in ("price", "demo"):
        with pytest.raises(UserError, match="2 × no title"):
            run(command, "untitled.csv", *(["--technique", "constant"] if command == "price" else []))


@pytest.mark.slow
def test_a_file_that_is_loaded_already_is_used_and_not_loaded_again(run, tmp_path):
    (tmp_path / "plain.csv").write_text(PLAIN)
    (tmp_path / "copy.csv").write_text(PLAIN)
    first = json.loads(run("price", "plain.csv", "--technique", "constant", "--json"))
    again = json.loads(run("price", "copy.csv", "--technique", "constant", "--json"))
    assert (first["file"]["reused"], again["file"]["reused"]) == (False, True)
    assert (again["dataset"], again["jobs"]) == (first["dataset"], first["jobs"])
    assert f"The file is loaded already: dataset {first['dataset']} (plain) is used." in run("demo", "plain.csv")
    assert [each.id for each in all_datasets()] == [first["dataset"]]
    assert prices(first["dataset"])[0] == 10.99


@pytest.mark.slow
def test_another_mapping_or_other_bytes_are_another_dataset(run, tmp_path):
    (tmp_path / "plain.csv").write_text(PLAIN)
    run("load", "plain.csv", "--map", "id=", "--name", "without ids")
    told = json.loads(run("price", "plain.csv", "--technique", "constant", "--json"))
    assert (told["file"]["reused"], told["file"]["same_bytes"]) == (False, [1])
    (tmp_path / "plain.csv").write_text(PLAIN + "a99,Desk,5.00\n")
    assert json.loads(run("price", "plain.csv", "--technique", "constant", "--json"))["file"]["reused"] is False
    assert [each.state for each in all_datasets()] == [DatasetState.READY] * 3


@pytest.mark.slow
def test_a_question_answered_once_is_not_asked_of_the_same_file_again(run, tmp_path):
    (tmp_path / "open.csv").write_text(OPEN)
    run("load", "open.csv", "--decimal", "comma")
    told = run("price", "open.csv", "--technique", "constant")
    assert "dataset 1 (open), whose prices were read with a decimal comma, is used." in told
    other = json.loads(run("price", "open.csv", "--technique", "constant", "--decimal", "point", "--json"))
    assert other["file"]["reused"] is False
    assert prices(other["dataset"])[0] == 10.294


def test_loading_the_same_bytes_again_is_done_and_said(run, tmp_path):
    (tmp_path / "plain.csv").write_text(PLAIN)
    run("load", "plain.csv")
    told = run("load", "plain.csv")
    assert "Dataset 1 came from the same bytes; this is another one." in told
    assert [each.id for each in all_datasets()] == [2, 1]


def test_answers_about_a_file_are_refused_for_a_dataset(run, tmp_path):
    (tmp_path / "plain.csv").write_text(PLAIN)
    run("load", "plain.csv")
    with pytest.raises(UserError, match="belong to a file"):
        run("price", "1", "--technique", "constant", "--decimal", "point")


@pytest.mark.slow
def test_the_same_bytes_are_opened_made_a_version_or_loaded_anew_as_somebody_says(run, tmp_path):
    (tmp_path / "plain.csv").write_text(PLAIN)
    first = json.loads(run("load", "plain.csv", "--json"))["dataset"]
    opened = json.loads(run("load", "plain.csv", "--same", "open", "--json"))
    assert (opened["dataset"], opened["reused"], len(all_datasets())) == (first, True, 1)
    version = json.loads(run("load", "plain.csv", "--same", "version", "--json"))
    assert version["version_of"] == first
    assert version["changes"] == {"added": 0, "removed": 0, "repriced": 0, "by_id": True}
    assert json.loads(run("load", "plain.csv", "--same", "separate", "--json"))["version_of"] is None
    assert json.loads(run("load", "plain.csv", "--json"))["version_of"] is None  # nobody to ask


@pytest.mark.slow
def test_a_file_that_is_a_new_version_is_mapped_as_before_and_says_what_changed(run, tmp_path):
    (tmp_path / "may.csv").write_text(PLAIN)
    (tmp_path / "june.csv").write_text(
        PLAIN.replace("a7,Lamp model 7,17.99", "b7,Lamp model 7,17.99").replace("59.99", "1")
    )
    run("load", "may.csv", "--map", "brand=id")
    told = run("load", "june.csv", "--version-of", "may")
    assert "A version of dataset 1: 1 product added, 1 removed, 1 repriced, told by your id." in told
    version = all_datasets()[0]
    assert (version.name, version.mapping["brand"]) == ("may", "id")


def test_what_stands_beside_prices_is_told_before_and_after_loading(run, tmp_path):
    cells = ["$10.50", "€9.00", "JPY 1500", "POA", "0", "$5.99/ea", "10-20", "12 for $10", "12.05.2024"]
    rows = [f"p{i}\tThing {i}\t{cell}" for i, cell in enumerate(cells)]
    (tmp_path / "odd.tsv").write_text("\n".join(["id\ttitle\tprice", *rows]) + "\n")
    said = " ".join(run("load", "odd.tsv", "--lower-ends").split())
    assert "The prices are in several currencies (USD 50 %, EUR 25 % and JPY 25 %" in said
    assert "are ranges, such as '10-20'" in said
    assert "5 items, 4 rejects" in said
    assert "Currency: USD." in said
    none, aside, ranges = json.loads(run("load", "odd.tsv", "--lower-ends", "--json"))["price_notes"]
    assert none.startswith("2 price cells say that there is no price ('0' 1 and 'POA' 1)")
    assert aside.startswith("Words beside prices are left aside ('/ea' 1)")
    assert ranges == "1 range of prices is read as the lower end."


def test_the_likelier_decimal_sign_is_named_and_not_taken(run, tmp_path):
    (tmp_path / "fils.tsv").write_text("id\ttitle\tprice\na\tLamp\tKWD 15.202\nb\tMug\tKWD 1.500\n")
    with pytest.raises(UserError, match="a decimal point is likelier, because prices in KWD have 3 decimals"):
        run("load", "fils.tsv")


DOUBTFUL = "Name,Purchase price\n" + "".join(f"Oak lamp {i},{i + 10}.99\n" for i in range(60))


def test_columns_that_are_not_sure_are_not_loaded_before_somebody_says_them(run, tmp_path):
    (tmp_path / "cost.csv").write_text(DOUBTFUL)
    for verb in (["load", "cost.csv"], ["price", "cost.csv", "--technique", "constant"], ["demo", "cost.csv"]):
        with pytest.raises(OpenQuestion, match=r"'Purchase price' holds the price.*--map price=COLUMN, or --yes"):
            run(*verb)
    report = CliRunner().invoke(main.app, ["load", "cost.csv", "--json"])
    assert isinstance(report.exception, OpenQuestion)
    told = json.loads(report.stdout)
    assert (told["loaded"], set(told["unsure"])) == (False, {"price"})
    assert told["mapping"] == {"title": "Name", "price": "Purchase price"}
    assert told["columns"]["title"]["level"] == "sure"
    assert told["columns"]["price"]["level"] == "please check"
    assert [each["kind"] for each in told["prices"]] == ["cost"]
    assert all_datasets() == []
    assert "price: please check (0.49): its header says cost price" in run("load", "cost.csv", "--yes")
    run("load", "cost.csv", "--map", "price=Purchase price", "--name", "said")
    run("load", "cost.csv", "--map", "price=", "--name", "none")
    by_name = {each.name: each for each in all_datasets()}
    assert prices(by_name["cost"].id)[0] == prices(by_name["said"].id)[0] == 10.99
    assert prices(by_name["none"].id)[0] is None


@pytest.mark.parametrize(("error", "code"), [(OpenQuestion("Say it."), 3), (UserError("Do it."), 1)])
def test_an_open_question_has_an_exit_code_of_its_own(monkeypatch, capsys, error, code):
    def refuse():
        raise error

    monkeypatch.setattr(main, "app", refuse)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == code
    assert str(error) in capsys.readouterr().err
    assert f"{code} " in main.EXIT_CODES
