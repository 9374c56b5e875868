"""Notices a product's text that tries to be more than data, and keeps it from succeeding."""

import re

START, END = "\ue000", "\ue001"
"""Mark, in a rendered prompt, what belongs to the item. Private-use characters, removed from all data."""

_CONTROL = re.compile(
    r"<(?=\|[^<>|\n]{1,40}\|>|(?:/s|s|bos|eos|pad|unk|mask|(?:start|end)_of_turn|/?tool_call|/?think|/?product)>"
    r"|[|｜]|(?:begin|end)_of_text>)",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\[(?=/?(?:INST|SYS)\])|<(?=</?SYS>>)", re.IGNORECASE)
_HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\U000e0000-\U000e007f\ue000-\ue0ff]")
_UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0001-\U000e007f\ue000-\ue0ff\x00]")  # no honest text has these
_BLANK_LINES = re.compile(r"\s*\n\s*")

_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "tells the model to ignore what it was asked",
        re.compile(
            r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}?"
            r"\b(?:above|previous|prior|earlier|preceding|instructions?|prompts?|rules)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "tells the model what to answer",
        re.compile(
            r"\b(?:answer|respond|reply)\b(?: only| just| always| exactly)?(?: with| that)?"
            r"(?: the)?(?: number| price| value| word)?(?: is| of)?:? ?[\"'“]?\$? ?\d"
            r"|\b(?:your|the (?:only|correct|right)) answer (?:is|must be|should be)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "talks to the model",
        re.compile(
            r"\bas an? (?:ai|language model)\b"
            r"|\byou are (?:now )?(?:an? )?(?:ai|assistant|language model|chatbot|gpt)\b"
            r"|\b(?:new|updated|real|system) (?:instructions?|prompt)\s*:",
            re.IGNORECASE,
        ),
    ),
    (
        "plays another speaker",
        re.compile(r"(?:^|\n)\s*(?:#+ *)?(?:system|assistant|user|human|instructions?)\s*:", re.IGNORECASE),
    ),
    ("contains control words of a language model", _CONTROL),
    ("contains control words of a language model", _BRACKETS),
    ("contains characters that nobody can see", _UNSEEN),
)


def suspicious(text: str) -> str | None:
    """Why a product's text looks hostile, in a sentence; None for ordinary text."""
    plain = _HIDDEN.sub("", text)
    for what, pattern in _SIGNS:
        match = pattern.search(text if pattern is _UNSEEN else plain)
        if match:
            shown = " ".join(plain[match.start() : match.start() + 60].split()) if pattern is not _UNSEEN else ""
            return f"The product's text {what}{f': “{shown}”' if shown else ''}."
    return None


def as_data(text: str) -> str:
    """The text without hidden characters, on lines without gaps between them (a gap ends a product), and with control
    words broken, because servers that host a model may read them even in the middle of a message."""
    text = _HIDDEN.sub("", text.replace("\x00", ""))
    text = _BRACKETS.sub(lambda found: found[0] + " ", _CONTROL.sub("< ", text))
    return _BLANK_LINES.sub("\n", text).strip()
