"""Examples come from the train side only, the same for the same seed, and stand where they belong."""

import json
import re

import polars as pl
import pytest

from tests.worker.techniques.memory_index import MemoryIndex
from tests.worker.techniques.scripted import Scripted
from tests.worker.techniques.shared.test_prompting import items
from worker.progress import Silent
from worker.specs import MultiShotSpec
from worker.specs.price_bounds import Bounds
from worker.techniques import build

TRAIN = pl.concat(
    [items(20, category="Tools"), items(20, first=20, category="Toys"), items(2, first=40, category="Rare")]
)
TRAIN = TRAIN.with_columns(price=10.0 + pl.col("row"), title=pl.format("{} thing {}", "category", "row"))


def asked(spec: MultiShotSpec, wanted: pl.DataFrame, train: pl.DataFrame = TRAIN) -> Scripted:
    model = Scripted(index=MemoryIndex())
    fitted = build(spec, model).fit(train, items(0), Silent())
    technique = build(spec, model)
    technique.load(fitted)
    assert technique.price(wanted, Silent())["status"].to_list() == ["ok"] * len(wanted)
    return model


@pytest.mark.parametrize("choose", ["random", "category"])
def test_examples_are_priced_train_items_and_the_same_for_the_same_seed(choose: str) -> None:
    spec = MultiShotSpec(k=3, choose=choose, seed=5)  # type: ignore[arg-type]
    fitted = build(spec, Scripted()).fit(TRAIN, items(5, first=90, price=1.0), Silent())
    again = build(spec, Scripted()).fit(TRAIN.sample(fraction=1, shuffle=True), items(0), Silent())
    assert fitted == again
    stored = json.loads(fitted.parts["examples.json"])
    known = {(line["title"], line["price"]) for line in TRAIN.to_dicts()}
    assert all((line["title"], line["price"]) in known for lines in stored.values() for line in lines)
    assert {len(lines) for lines in stored.values()} == {3}
    assert set(stored) == ({""} if choose == "random" else {"", "Tools", "Toys"})  # Rare has too few of its own


def test_items_share_random_examples_and_the_next_seed_has_others() -> None:
    first, other = (asked(MultiShotSpec(k=3, seed=seed), items(4, first=90)) for seed in (0, 1))
    assert len({prompt.shared for prompt in first.asked}) == 1
    assert first.asked[0].shared.count("Price: $") == 3
    assert first.asked[0].shared != other.asked[0].shared


def test_items_get_examples_of_their_category_and_others_the_common_ones() -> None:
    wanted = pl.concat([items(1, first=90, category="Toys"), items(1, first=91, category="New"), items(1, first=92)])
    toys, _, tools = (prompt.shared for prompt in asked(MultiShotSpec(k=2, choose="category"), wanted).asked)
    assert "Toys thing" in toys
    assert "Tools thing" not in toys
    assert "Tools thing" in tools
    assert "Toys thing" not in tools


def test_nearest_examples_are_each_item_s_own_with_the_most_similar_one_last() -> None:
    wanted = items(2, first=90).with_columns(title=pl.Series(["Toys thing 31", "Tools thing 7"]))
    model = asked(MultiShotSpec(k=3, choose="nearest"), wanted)
    for prompt, best in zip(model.asked, ("Toys thing 31\n", "Tools thing 7\n"), strict=True):
        pages = prompt.user.split("A product from an online shop\n\n")
        assert len(pages) == 5
        assert pages[3].startswith(best)
        assert "thing" not in prompt.shared


@pytest.mark.parametrize("choose", ["random", "category", "nearest"])
def test_no_examples_is_a_cold_prompt(choose: str) -> None:
    model = asked(MultiShotSpec(k=0, choose=choose), items(1, first=90))  # type: ignore[arg-type]
    assert model.asked[0].user.count("Price: $") == 1


@pytest.mark.parametrize("choose", ["random", "nearest"])
def test_prices_that_are_not_considered_are_no_examples(choose: str) -> None:
    spec = MultiShotSpec(k=5, choose=choose, max_price=9)  # type: ignore[arg-type]
    assert asked(spec, items(1, first=90)).asked[0].user.count("Price: $") == 1  # all cost more


@pytest.mark.parametrize("choose", ["random", "category", "nearest"])
@pytest.mark.parametrize(("scale", "bounds"), [(100_000, (1_000_000, 9_999_999)), (0.1, (0.01, 9.99))])
def test_examples_are_priced_in_the_steps_of_their_table(
    choose: str, scale: float, bounds: tuple[float, float]
) -> None:
    train = TRAIN.with_columns(pl.col("price") * scale)
    spec = MultiShotSpec(k=5, choose=choose, min_price=bounds[0], max_price=bounds[1])  # type: ignore[arg-type]
    [prompt] = asked(spec, items(1, first=90, category="Toys"), train).asked
    shown = re.findall(r"Price: \$(\S+)", prompt.user)
    assert len(shown) == 5
    assert set(shown) <= {Bounds(*bounds).spell(price) for price in train["price"]}
    assert all(("." in price) == (scale < 1) for price in shown)


def test_figures_of_the_category_can_stand_in_a_prompt() -> None:
    from db.types import PromptVersion

    words = "{% if stats %}{{ stats.count }} cost {{ stats.median }}. {% endif %}{{ title }} $ "
    model = Scripted(templates={"mine": PromptVersion("mine", 1, "", words + "?")})
    technique = build(MultiShotSpec(prompt="mine"), model)
    technique.load(technique.fit(TRAIN, items(0), Silent()))
    technique.price(pl.concat([items(1, first=90, category=" TOYS"), items(1, first=91, category="New")]), Silent())
    assert [prompt.user for prompt in model.asked] == ["20 cost 39.5. thing 90 $ ?", "thing 91 $ ?"]
