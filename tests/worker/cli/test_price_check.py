"""`pricewright check-prices`, `decide-price` and `curate`, from the list to what it gained."""

import json

import pytest

from db.engine import begin
from tests.builders import a_dataset

pytestmark = pytest.mark.slow  # whole jobs


@pytest.fixture
def run(command):
    with begin() as session:
        a_dataset(session, 200)
    return command


def test_from_the_list_to_the_gain(run):
    answer = json.loads(run("check-prices", "1", "--json"))
    assert answer["checked"] == 180
    row = answer["suspects"][0]["row"]
    assert f"Row {row}: fix." in run("decide-price", "1", str(row), "fix", "--price", "20")
    assert "fix" in run("check-prices", "1", "--top", "1")
    answer = json.loads(run("curate", "1", "--technique", "constant", "--json"))
    assert answer["dataset"] == 2
    assert "on the same 20 test rows" in answer["sentence"]
