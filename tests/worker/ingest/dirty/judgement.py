"""What became of a table whose every cell is known: loaded, asked about or refused, and which cells are wrong."""

import re
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import polars as pl

from db.errors import UserError
from tests.worker.ingest.dirty import drafts, noises
from tests.worker.ingest.dirty.dialects import Dialect
from tests.worker.ingest.dirty.drafts import Column, Draft, Record
from worker.datasets import money
from worker.datasets.answers import NOTHING_SAID, Answers, currency_of, settled
from worker.ingest import read, repeated_lines
from worker.progress import Silent

_NAMES = {"external_id": "id", "title": "title", "description": "description", "category": "category", "brand": "brand"}

# A sentence tells of a field when one of these stands in it. What is skipped or taken for a column tells of no cell.
_TELLS = {
    "price": re.compile(r"price|decimal|currenc|number|amount|formula", re.IGNORECASE),
    "letters": re.compile(r"encoding|encoded|UTF-8|characters|accents", re.IGNORECASE),
    "text": re.compile(r"HTML|title|descri|inherit", re.IGNORECASE),
    "every": re.compile(
        r"more cells|fewer cells|narrower|wider|delimiter|quote|backslash|shift|cut|padded|split|sheets",
        re.IGNORECASE,
    ),
    "row": re.compile(
        r"no header was found|total|sum\b|note|second table|below the table|end of the table|no product", re.IGNORECASE
    ),
}
_MAPPING = re.compile(r"taken for|not sure|unsure|likel|no column|no header was found", re.IGNORECASE)


@dataclass(frozen=True)
class Wrong:
    line: int
    field: str  # "row" = a row that is no product, or a product that is nowhere
    truth: object
    loaded: object
    is_mapping: bool  # the column is another one than that of the field

    def __str__(self) -> str:
        return f"line {self.line}, {self.field}: {self.loaded!r} instead of {self.truth!r}" + (
            " (another column)" if self.is_mapping else ""
        )


@dataclass
class Verdict:
    outcome: str = "loaded"  # or "asked", "refused"
    stored: int = 0
    rejected: int = 0
    lost: int = 0
    left_out: set[str] = field(default_factory=set)  # fields whose column is there and not taken
    sentences: list[str] = field(default_factory=list)  # warnings, questions, refusals
    reasons: list[str] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    silent: list[Wrong] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return self.outcome == "loaded" and not self.rejected and not self.lost and not self.wrong


def make(dialect: Dialect, names: tuple[str, ...], rows: int, draft_seed: int) -> tuple[bytes, Draft, tuple[str, ...]]:
    """The bytes of a table in this dialect with these noises, the draft with its truth, and the noises that it has."""
    draft = drafts.start(dialect, rows, Random(draft_seed))
    added = noises.apply(draft, names)
    return drafts.written(draft), draft, added


def judge(data: bytes, draft: Draft) -> Verdict:
    """Looks at the file, answers what is asked with the truth, loads it and compares every cell."""
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stored"
        path.write_bytes(data)
        try:
            inspection = read.inspect(path, "the file")
            verdict.sentences += inspection.warnings
            inspection, currency = _answered(inspection, draft, verdict)
            if verdict.outcome == "asked" and currency is None:
                return verdict
            batches = list(read.batches(path, inspection, inspection.mapping, Silent(), currency or ""))
        except UserError as error:
            verdict.outcome = "refused"
            verdict.sentences.append(str(error))
            return verdict
    items = pl.concat([batch.items for batch in batches]) if batches else pl.DataFrame()
    rejects = repeated_lines.rejects_of(pl.concat([batch.rejects for batch in batches])) if batches else pl.DataFrame()
    verdict.stored, verdict.rejected = len(items), len(rejects)
    verdict.reasons = rejects["reason"].to_list() if len(rejects) else []
    _compare(verdict, draft, inspection, currency or "", items, rejects)
    return verdict


def _answered(inspection: read.Inspection, draft: Draft, verdict: Verdict) -> tuple[read.Inspection, str | None]:
    """The inspection with true answers in it, and the currency; None where the truth is no answer to what is asked."""
    look, mapping = inspection.model_dump(mode="json"), inspection.mapping
    rightly = Answers(decimal=draft.dialect.decimal, currency=draft.dialect.currency)  # type: ignore[arg-type]
    said = NOTHING_SAID
    verdict.sentences += filter(None, [money.mixed(look, mapping), money.doubt(look, mapping)])
    try:
        settled(look, mapping, NOTHING_SAID)
        currency = currency_of(look, mapping, NOTHING_SAID)
    except UserError as question:
        verdict.outcome, said = "asked", rightly
        verdict.sentences.append(str(question))
    try:
        look = settled(look, mapping, said)
        currency = currency_of(look, mapping, said)
    except UserError:
        return inspection, None
    return read.Inspection.model_validate(look), currency


def _compare(
    verdict: Verdict,
    draft: Draft,
    inspection: read.Inspection,
    currency: str,
    items: pl.DataFrame,
    rejects: pl.DataFrame,
) -> None:
    truth = {record.line: record for record in draft.goods}
    own = _own_columns(draft, inspection)
    fields = ("id", "title", "description", "category", "brand", "price")
    verdict.left_out = {each for each in fields if draft.at(each) is not None and each not in inspection.mapping}
    wrong = verdict.wrong
    for row in items.iter_rows(named=True):
        record = truth.get(row["line"])
        if record is None:
            wrong.append(Wrong(row["line"], "row", None, row["title"], False))
            continue
        for name, each in _NAMES.items():
            if each in inspection.mapping:
                _compare_text(wrong, record, each, row[name], own.get(inspection.mapping[each]))
        if "price" in inspection.mapping and not _is_price(row, record, currency):
            product = record.product
            meant = own.get(inspection.mapping["price"])
            is_other = bool(meant and meant.field != "price")
            shown = (product.price, product.currency), (row["price"], row["original_currency"] or currency)
            wrong.append(Wrong(row["line"], "price", *shown, is_other))
    there = {*items["line"], *rejects["line"]} if len(items) or len(rejects) else set()
    gone = sorted(set(truth) - there)
    verdict.lost = len(gone)
    wrong += [Wrong(line, "row", truth[line].product.title, None, False) for line in gone]
    verdict.silent = [each for each in wrong if not is_told(each, verdict.sentences)]


def _own_columns(draft: Draft, inspection: read.Inspection) -> dict[str, Column]:
    """Column of the inspection -> what it is, of those that can be told by their place or name."""
    known: dict[str, Column] = {}
    for i, column in enumerate(draft.columns):
        known.setdefault(" ".join(column.name.split()), column)
        if inspection.header_line is None:
            known.setdefault(f"column_{i + 1}", column)
    return known


def _compare_text(wrong: list[Wrong], record: Record, field: str, loaded: str, meant: Column | None) -> None:
    truth = getattr(record.product, field)
    if loaded == truth or (meant and field in meant.also):
        return
    wrong.append(Wrong(record.line, field, truth, loaded, bool(meant and meant.field != field)))


def _is_price(row: dict[str, object], record: Record, currency: str) -> bool:
    product, loaded = record.product, row["price"]
    if loaded is None:
        return product.price is None
    rights = [price for price in (product.price, *product.prices) if price is not None]
    same = any(abs(float(loaded) - price) <= 1e-9 * price for price in rights)  # type: ignore[arg-type]
    return same and currency in ("", product.currency)


def is_told(wrong: Wrong, sentences: list[str]) -> bool:
    """Whether one of the sentences that a person sees before loading tells of what is wrong."""
    for sentence in sentences:
        if wrong.line in _lines(sentence):
            return True
        if wrong.is_mapping and _MAPPING.search(sentence) and (wrong.field in sentence or "header" in sentence):
            return True
        if _MAPPING.search(sentence) and "header" not in sentence and "decimal sign" not in sentence:
            continue  # about columns, not about cells
        kinds = [*(["price"] if wrong.field == "price" else ["row"] if wrong.field == "row" else ["text"]), "every"]
        if any(_TELLS[kind].search(sentence) for kind in kinds):
            return True
        if kinds[0] == "text" and _TELLS["letters"].search(sentence) and _is_of_letters(wrong):
            return True
    return False


def _lines(sentence: str) -> set[int]:
    """The lines that a sentence names: "line 4 and line 9", "lines 4, 5 and 9", "lines 4 to 9"."""
    named: set[int] = set()
    for found in re.finditer(r"\blines? (\d+)(?: to (\d+)|((?:, \d+)*(?: and \d+\b(?! more))?))", sentence, re.I):
        named |= set(range(int(found[1]), int(found[2] or found[1]) + 1))
        named |= set(map(int, re.findall(r"\d+", found[3] or "")))
    return named


def _is_of_letters(wrong: Wrong) -> bool:
    """Whether a text is wrong in its letters beyond ASCII alone, about which a sentence on the encoding is."""
    loaded = iter(str(wrong.loaded))
    plain = [letter for letter in str(wrong.truth) if letter.isascii()]
    return not f"{wrong.truth}{wrong.loaded}".isascii() and all(letter in loaded for letter in plain)


def cluster(sentence: str) -> str:
    """The sentence without what differs from file to file: numbers, and what is quoted from the file."""
    plain = re.sub(r"(price|currency) '.*' (?=is |can |names )", r"\1 … ", sentence.replace("\n", " "))
    plain = re.sub(r"(is read as).*?(: put the file right.*|$)", r"\1 …", plain)
    plain = re.sub(r"'(?:[^'\\]|\\.)*'|\"[^\"]*\"|\[.*\]", "…", plain)
    return re.sub(r"(?:line )?\d[\d.,]*", "N", plain)[:150]


def clusters(sentences: list[str]) -> Counter[str]:
    return Counter({cluster(sentence) for sentence in sentences})
