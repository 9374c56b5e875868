"""Is the product kept apart from the words around it, and the beginning the same for all?"""

import polars as pl

from worker.llm.prompts import PLACE, frame, product_texts, prompts


class Plain:
    signature = "plain"
    chats = False

    def price(self, *_: object) -> list[object]:
        raise AssertionError

    def as_chat(self, turns: list[dict[str, str]]) -> str:
        raise AssertionError


class Chatty(Plain):
    chats = True

    def as_chat(self, turns: list[dict[str, str]]) -> str:
        return "".join(f"<{turn['role']}>{turn['content']}</>" for turn in turns) + "<assistant>"


def test_all_prompts_share_their_beginning_and_end_where_digits_follow() -> None:
    for model in (Plain(), Chatty()):
        made = prompts(model, ["a", "b"], [("seen", 12.4)], 50)  # type: ignore[arg-type]
        assert len({prompt.shared for prompt in made}) == 1
        assert [prompt.text for prompt in made] == ["a", "b"]
        assert all(prompt.ask.endswith("$") for prompt in made)
        assert "seen" in made[0].shared
        assert "$12" in made[0].shared
        assert PLACE not in made[0].shared + made[0].ask


def test_a_product_that_holds_the_place_mark_breaks_nothing() -> None:
    [prompt] = prompts(Chatty(), [PLACE], [], 50)  # type: ignore[arg-type]
    assert prompt.text == PLACE


def test_an_example_is_never_priced_at_zero() -> None:
    before, _ = frame(Plain(), [("pin", 0.2)])  # type: ignore[arg-type]
    assert "$1\n" in before


def test_texts_leave_out_what_is_empty() -> None:
    items = pl.DataFrame({"title": ["Saw", "Axe"], "brand": ["Oak", ""], "category": ["", "Tools"],
                          "description": ["Cuts.", ""]})  # fmt: skip
    assert product_texts(items) == ["Saw\nBrand: Oak\nCuts.", "Axe\nCategory: Tools"]
