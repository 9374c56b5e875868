"""Is the product kept apart from the words around it, and the beginning the same for all?"""

import polars as pl

from worker.llm.prompts import product_texts, prompts


def test_all_prompts_share_their_beginning_and_end_where_digits_follow() -> None:
    made = prompts(["a", "b"], [("seen", 12.4)], 50)
    assert len({prompt.shared for prompt in made}) == 1
    assert [prompt.text for prompt in made] == ["a", "b"]
    assert all(prompt.ask.endswith("$") for prompt in made)
    assert "seen" in made[0].shared
    assert "$12\n" in made[0].shared


def test_an_example_is_never_priced_at_zero() -> None:
    [prompt] = prompts(["saw"], [("pin", 0.2)], 50)
    assert "$1\n" in prompt.shared


def test_texts_leave_out_what_is_empty() -> None:
    items = pl.DataFrame({"title": ["Saw", "Axe"], "brand": ["Oak", ""], "category": ["", "Tools"],
                          "description": ["Cuts.", ""]})  # fmt: skip
    assert product_texts(items) == ["Saw\nBrand: Oak\nCuts.", "Axe\nCategory: Tools"]
