"""Plain text of texts that hold HTML."""

import re

import polars as pl
from selectolax.lexbor import LexborHTMLParser

_TAGS = (
    "a|abbr|article|b|big|blockquote|body|br|center|code|dd|div|dl|dt|em|figure|font|h[1-6]|head|hr|html|i|iframe|img|"
    "ins|label|li|link|mark|meta|nobr|ol|p|picture|pre|s|script|section|small|span|strike|strong|style|sub|sup|table|"
    "tbody|td|tfoot|th|thead|tr|u|ul|video|wbr"
)
# Only tags that HTML has, with attributes that look like some: "screws <b and c>" and "R <Ohm>" are no HTML.
TAG = rf"(?i)</?(?:{_TAGS})(?:\s*/?|\s+[a-z_:@-][^<>=]*=[^<>]*)>|<!--"
_TAG = re.compile(TAG)
_BLOCKS = (
    "address,article,aside,blockquote,br,dd,div,dl,dt,figure,h1,h2,h3,h4,h5,h6,hr,li,ol,p,pre,section,table,td,th,tr,ul"
)
_UNREAD = ["script", "style", "template", "noscript", "iframe", "head"]


def has_tags(text: str) -> bool:
    """Whether a text holds HTML tags."""
    return "<" in text and _TAG.search(text) is not None


def tagged(cells: pl.Series) -> pl.Series:
    """Which cells hold HTML tags (Boolean)."""
    return cells.str.contains(TAG)


def plain_text(text: str) -> str:
    """What a reader sees of a text with tags; blocks and line breaks stand apart by spaces."""
    tree = LexborHTMLParser(text)
    tree.strip_tags(_UNREAD)
    if tree.body is None:
        return ""
    for node in tree.body.css(_BLOCKS):
        node.insert_before(" ")
        node.insert_after(" ")
    return tree.body.text(deep=True)
