"""Text put into Markdown: ours with its dollars, and that of strangers, in which nothing may have a meaning."""

import re

# Read as Markdown, wherever it stands or at the beginning of a line.
_MARKS = re.compile(r"[\\`*_\[\]<&$~|]|^[-+=>#]")
_NUMBER = re.compile(r"^(\d+)([.)])")
# Looked for in the text after Markdown was read, so a backslash does not help: addresses of pages and of people,
# `:emoji:` and `:material/icon:`, arrows.
_FOUND_LATER = re.compile(r"(?<=:)(?=\S)|(?<=\S)(?=@[-\w]+\.)|(?<=[wW]{3})(?=\.)|(?<=[<>~-])(?=[>=-])")
_JOINER = "\u2060"
"""Takes no room, is no letter, and keeps what stands around it on one line."""
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, those that turn the direction of what follows among them."""
_DOLLAR = re.compile(r"(?<!\\)((?:\\\\)*)\$")


def md(text: str) -> str:
    """Text of ours for Markdown: there, two dollar signs would make a formula of what stands between them.

    A dollar sign that is escaped already, as in what `plain` gives, stays as it is.
    """
    return _DOLLAR.sub(r"\1\\$", text)


def plain(text: str) -> str:
    """Text of strangers for Markdown, on one line, of which no character has a meaning."""
    line = _FOUND_LATER.sub(_JOINER, " ".join(_UNSEEN.sub("", text).split()))
    return _NUMBER.sub(r"\1\\\2", _MARKS.sub(r"\\\g<0>", line))
