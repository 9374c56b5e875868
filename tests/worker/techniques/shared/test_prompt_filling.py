"""Every prompt fits, what matters least is left out first, and the question for the price is never touched."""

import pytest

from db.errors import NotReady
from tests.worker.techniques.scripted import Scripted
from worker.prompts.builtin import BUILT_IN
from worker.prompts.filling import CHAT_TOKENS, Form, cut_items
from worker.prompts.rendering import Known, item_values
from worker.techniques.shared.prompt_filling import Given, fill

# A token is a word here.
ITEM = item_values("red lamp", " ".join(f"word{i}" for i in range(40)), "Lamps", "Oak")


def known(name: str, n: int) -> list[Known]:
    return [Known(product=f"{name}{i} " + "x " * 9, price=5.0, similarity=1 - i / 10) for i in range(n)]


def filled(context: int, given: Given, max_text_tokens: int = 100, room: int = 0) -> tuple[str, dict[str, int]]:
    model = Scripted(context=context + CHAT_TOKENS)
    [asked] = fill(Form(BUILT_IN["listing"], model, max_text_tokens, room=room), [7], [ITEM], [given])
    assert asked.prompt.row == 7
    assert model.count([asked.prompt.user])[0] <= context
    assert asked.prompt.user.endswith("\n\nPrice: $")
    return asked.prompt.user, asked.shortened


def test_what_fits_is_left_alone_with_the_best_next_to_the_question() -> None:
    text, shortened = filled(1_000, Given(examples=known("example", 3), neighbours=known("near", 2)))
    places = [text.index(name) for name in ("near1", "near0", "example2", "example1", "example0", "red lamp")]
    assert places == sorted(places)
    assert shortened == {}


@pytest.mark.parametrize(("context", "left", "dropped"), [(117, 3, 2), (100, 2, 3), (80, 1, 4), (70, 0, 5)])
def test_the_lowest_ranked_go_first_examples_before_neighbours(context: int, left: int, dropped: int) -> None:
    text, shortened = filled(context, Given(examples=known("example", 3), neighbours=known("near", 2)))
    kept = [name for name in ("near0", "near1", "example0", "example1", "example2") if name in text]
    assert kept == ["near0", "near1", "example0", "example1", "example2"][:left]
    assert shortened == {"examples": dropped}


def test_then_the_description_is_cut_and_counted() -> None:
    text, shortened = filled(30, Given(examples=known("example", 3)))
    assert "red lamp\nBrand: Oak\nCategory: Lamps\nword0 word1" in text
    assert "example" not in text
    assert shortened == {"examples": 3, "tokens": 24}


def test_room_is_kept_for_the_answer() -> None:
    assert filled(60, Given())[1] == {}
    assert filled(60, Given(), room=20)[1] == {"tokens": 14}


def test_the_spec_s_own_limit_cuts_first_and_is_not_counted() -> None:
    text, shortened = filled(1_000, Given(), max_text_tokens=9)
    assert "word2\n\nPrice" in text
    assert shortened == {}


def test_a_prompt_that_leaves_no_room_for_a_product_is_an_error() -> None:
    with pytest.raises(NotReady, match="shorten it"):
        filled(12, Given())


def test_cut_texts_agree_with_each_other() -> None:
    model = Scripted()
    [long] = cut_items(model, [ITEM], 8)
    assert (long["product"].splitlines()[-1], long["description"]) == ("word0 word1", "word0 word1")
    [short] = cut_items(model, [ITEM], 1)
    assert (short["product"], short["title"], short["description"]) == ("red", "red", "")
    assert cut_items(model, [ITEM], 1_000) == [ITEM]
