"""The documents: every file that they name exists, so that a move can't leave them behind."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")})
NAMED = re.compile(r"`((?:dashboard|worker|db|tests|benchmarks|docs|\.github)/[\w./-]*)`")
PLACEHOLDER = re.compile(r"NAME|NOUN|NNNN")
LINKED = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text()
    named = [name for name in NAMED.findall(text) if not PLACEHOLDER.search(name)]
    missing = [name for name in named if not (ROOT / name).exists()]
    missing += [name for name in LINKED.findall(text) if not (document.parent / name).exists()]
    assert not missing
