"""An analyst trains an adapter, watches and stops it, prices with it, and is not let put a forgetful one to work."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.builders import a_catalogue
from tests.e2e.conftest import LATER, chart
from tests.e2e.live import Live, live_stack
from tests.worker.training import taught_model

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.model, pytest.mark.timeout(600)]

ROWS, EPOCHS = 300, 100  # more epochs than anybody waits for
HIGHEST, EVERY, EVALUATED = 99, 5, 8
FORGETS = ("learning_rate=0.05", "schedule=constant", f"max_price={HIGHEST}", f"evaluate_rows={EVALUATED}")


@pytest.fixture(scope="module")
def stack() -> Iterator[Live]:
    with live_stack(demo="false", sweep_seconds="1") as stack:
        yield stack


def fill(page: Page, label: str, value: object) -> None:
    box = page.get_by_label(label, exact=True)
    box.fill(str(value))
    box.press("Enter")


def metric(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=label)


def step(page: Page) -> int:
    said = metric(page, "Step, of").get_by_test_id("stMetricValue").inner_text()
    return int(said.replace(",", ""))


def test_from_a_table_to_an_adapter_that_is_priced_with_and_one_that_is_refused(
    page: Page, stack: Live, tmp_path: Path
) -> None:
    (model := tmp_path / "small").mkdir()
    taught_model.folder(model)  # it knows a little, which can be forgotten
    file = tmp_path / "our shop.csv"
    a_catalogue(ROWS).drop("row").write_csv(file)
    stack.cli("load", str(file))

    # what to train: a model of her own, a few settings
    page.goto(f"{stack.url}/finetune")
    page.get_by_role("combobox", name="Base model").click()
    page.get_by_role("option", name="Another one").click()
    fill(page, "Which one", model)
    fill(page, "Epochs", EPOCHS)
    page.get_by_text("More settings", exact=True).click()
    fill(page, "Highest price considered", HIGHEST)
    page.get_by_role("tab", name="What learns").click()
    fill(page, "Upper layers that learn", 2)
    page.get_by_role("tab", name="How it is measured").click()
    fill(page, "Price validation rows every … steps", EVERY)
    fill(page, "Validation rows to price", EVALUATED)
    expect(page.get_by_text("time and money are unknown")).to_be_visible()
    page.get_by_role("button", name="Start the fine-tune").click()

    # watched while it learns, also after the page was loaded anew
    expect(metric(page, "Step, of")).to_be_visible(timeout=LATER)
    first = step(page)
    stack.wait_for("the next steps, on the page", lambda: step(page) > first)
    expect(page.get_by_text("Best so far: step")).to_be_visible(timeout=LATER)
    chart(page)
    page.reload()
    expect(metric(page, "Step, of")).to_be_visible()
    assert step(page) > first

    # stopped: the best so far is the adapter
    page.get_by_role("button", name="Stop, keep the best").click()
    expect(page.get_by_text("It was stopped early")).to_be_visible(timeout=LATER)
    expect(page.get_by_text("The gate")).to_be_visible()

    # priced with, beside the median of the category
    page.get_by_role("link", name="Price rows with it").click()
    expect(page.get_by_role("heading", name="Run")).to_be_visible()
    for name in ("Ridge on words", "Gradient boosting", "Nearest neighbours", "Prompt, no examples"):
        page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("button", name="Start 2 jobs").click()
    expect(page.get_by_role("link", name="Predictions")).to_have_count(2, timeout=LATER)
    page.get_by_role("button", name="Compare what is done").click()
    expect(page.get_by_text("Fine-tuned").first).to_be_visible()
    chart(page)

    # one that learned far too fast forgot what the model knew: it is not let into production
    settings = [word for setting in FORGETS for word in ("--set", setting)]
    forgetful = stack.cli("finetune", "our shop", "--model", str(model), "--epochs", "2", *settings)["adapter"]
    page.goto(f"{stack.url}/adapters?adapter={forgetful}")
    objection = page.get_by_test_id("stAlert").filter(has_text="neutral prose rose by")
    expect(objection).to_have_count(1)
    expect(objection).to_contain_text("The gate objects to production")
    fill(page, "Reason", "it is the newest")
    page.get_by_role("button", name="Promote", exact=True).click()
    expect(objection).to_have_count(2)  # the second is the refusal
    assert [adapter["state"] for adapter in stack.cli("adapters", "list")] == ["candidate", "candidate"]
