"""A guess of how many tokens a text has for a model whose tokenizer is not at hand: an upper one, never far off.

The rule: a text is read in pieces, each of which is one token at most for the common tokenizers: up to four small
letters, a capital with up to three small letters after it, one digit, one other sign; a single space belongs to the
piece after it. A letter outside ASCII counts as many tokens as it has bytes. On 3,000 product texts this was 1.3 to
1.4 times (median) what the tokenizers of SmolLM2 and Gemma 3 count, and below it for 0.1 to 0.5 % of them.
"""

import re

_PIECE = re.compile(r" ?(?:[a-z]{1,4}|[A-Z][a-z]{0,3}|[^\sa-zA-Z])|\s", re.ASCII)

MESSAGE_TOKENS = 8
"""What a chat wraps around each message: role, begin and end marks."""


def count(text: str) -> int:
    """Tokens of a text, an upper estimate."""
    pieces = _PIECE.findall(text)
    if text.isascii():
        return len(pieces)
    return sum(_weight(piece) for piece in pieces)


def cut(text: str, tokens: int) -> str:
    """The longest beginning of a text for which `count` says at most `tokens`."""
    spent, end = 0, 0
    for piece in _PIECE.finditer(text):
        spent += _weight(piece[0])
        if spent > tokens:
            return text[:end]
        end = piece.end()
    return text


def _weight(piece: str) -> int:
    return 1 if piece.isascii() else len(piece.strip(" ").encode("utf-8", "replace")) or 1
