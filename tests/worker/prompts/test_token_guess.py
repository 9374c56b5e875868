"""The guess of a text's tokens: an upper estimate, and cutting keeps to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.prompts.token_guess import count, cut


@given(st.text(max_size=300), st.integers(0, 60))
def test_a_cut_text_is_the_longest_beginning_that_fits(text, tokens):
    short = cut(text, tokens)

    assert text.startswith(short)
    assert count(short) <= tokens
    if count(text) <= tokens:
        assert short == text


@given(st.text(max_size=100), st.text(max_size=100))
def test_more_text_is_not_fewer_tokens(one, two):
    assert count(one + two) >= count(one) - 1


@pytest.mark.model
@pytest.mark.parametrize("name", ["smollm2-135m", "gemma3-270m"])
def test_real_tokenizers_count_less_on_products(name):
    from worker.demo.shop import __doc__ as words
    from worker.llm.local.packages import model_folder
    from worker.llm.local.tokenizer import Tokenizer

    texts = [str(words), "Samsung Galaxy S21 Ultra 5G, 256GB, Phantom Black (SM-G998UZKEXAA), 6.8 in. AMOLED 120Hz"]

    for ours, theirs in zip([count(t) for t in texts], Tokenizer(model_folder(name)).count(texts), strict=True):
        assert theirs <= ours <= 2.5 * theirs
