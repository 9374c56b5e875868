"""Brings items into a knowledge base, changes and removes them, and lets nothing of the test side in.

Everything is set-based and idempotent: the same sync or the same file applied twice changes nothing the second time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from db import engine
from db.datasets import UNIT_PRICE
from db.knowledge.bases import text_hash
from db.types import KnowledgeBase

# An item's key in a base: its own id where that is one; ids that are used twice name nothing.
_OWN_KEY = """CASE WHEN external_id = '' OR external_id ~ '^row:[0-9]+$'
                     OR count(*) OVER (PARTITION BY external_id) > 1
                   THEN 'row:' || row ELSE external_id END"""

# Case, punctuation and spaces aside. Only ASCII signs are dropped: what counts as a letter depends on the server.
_PLAIN = r"trim(regexp_replace(lower({0}), '[\s!-/\:-@\[-`{{-~]+', ' ', 'g'))"

CHANGES_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "line": pl.Int64,
    "key": pl.String,
    "title": pl.String,  # null = as it is known; so are the five below
    "description": pl.String,
    "category": pl.String,
    "brand": pl.String,
    "price": pl.Float64,
    "priced_at": pl.String,  # ISO 8601 with an offset
    "remove": pl.Boolean,
    "reason": pl.String,  # why the line can't be used, found before it came here; else null
}
"""Columns of a frame of changes."""

IS_HELD_OUT_ID = "the id is that of a test or validation row"
IS_HELD_OUT_TEXT = "the text is that of a test or validation row"
IS_UNPRICED = "it has no price"
IS_UNTITLED = "it is new and has no title"
IS_UNKNOWN = "there is no item with this id to remove"
IS_REPEATED = "the id stands again further down"
HAS_NO_ID = "it has no id"


@dataclass(slots=True)
class Outcome:
    """What a change did to a base. `unchanged` counts what was there already, just so."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # reason -> items

    def refuse(self, reason: str, number: int) -> None:
        if number:
            self.refused[reason] = self.refused.get(reason, 0) + number


def sync(session: Session, base: KnowledgeBase) -> Outcome:
    """Bring the train side of the base's dataset into the base.

    What came from a file or was changed by one is left alone, and what a person removed does not come back. A train
    item is dated by the upload of its dataset: tables have no date of their own.
    """
    outcome = Outcome()
    rows = session.execute(
        text(
            f"""WITH own AS (SELECT *, {_OWN_KEY} AS key FROM items WHERE dataset_id = :dataset)
            INSERT INTO knowledge_items AS k
                (base_id, key, row, title, description, category, brand, price, source, priced_at, text_hash)
            SELECT :base, i.key, i.row, i.title, i.description, i.category, i.brand, i.{UNIT_PRICE}, 'train',
                   (SELECT created_at FROM datasets WHERE id = :dataset), {text_hash("i")}
            FROM own i WHERE i.split = 'train' AND i.price > 0
              AND NOT EXISTS (SELECT 1 FROM knowledge_removed r WHERE r.base_id = :base AND r.key = i.key)
            ON CONFLICT (base_id, key) DO UPDATE SET row = excluded.row, title = excluded.title,
                description = excluded.description, category = excluded.category, brand = excluded.brand,
                price = excluded.price, text_hash = excluded.text_hash, changed_at = now()
            WHERE k.source = 'train' AND (k.row, k.text_hash, k.price, k.title, k.category, k.brand)
                IS DISTINCT FROM (excluded.row, excluded.text_hash, excluded.price, excluded.title, excluded.category,
                                  excluded.brand)
            RETURNING k.xmax = 0 AS is_new"""
        ),
        {"base": base.id, "dataset": base.dataset_id},
    ).all()
    outcome.added = sum(row.is_new for row in rows)
    outcome.updated = len(rows) - outcome.added
    return outcome


def apply(session: Session, base: KnowledgeBase, frame: pl.DataFrame) -> Outcome:
    """Add, change and remove items as a file says (CHANGES_SCHEMA), by their id; of a repeated id the last counts."""
    _stage(session)
    engine.copy_in(session, "knowledge_changes", frame.select(list(CHANGES_SCHEMA)))
    session.execute(text("UPDATE knowledge_changes SET id = key"))
    return _apply(session, base, source="file")


def add_reference(session: Session, base: KnowledgeBase, dataset_id: int) -> Outcome:
    """Add the priced items of another dataset, all sides of it, but nothing that a held-out row could be read from.

    Its ids get a prefix, because 17 means another product there; so the same dataset added twice changes nothing.
    """
    _stage(session)
    session.execute(
        text(
            f"""INSERT INTO knowledge_changes (line, id, key, title, description, category, brand, price, priced_at)
            SELECT line, external_id, CAST(:dataset AS text) || ':' || {_OWN_KEY}, title, description, category, brand,
                   {UNIT_PRICE}, (SELECT created_at FROM datasets WHERE id = :dataset)
            FROM items WHERE dataset_id = :dataset AND price > 0"""
        ),
        {"dataset": dataset_id},
    )
    return _apply(session, base, source="reference")


def remove(session: Session, base: KnowledgeBase, keys: Sequence[str]) -> int:
    """Take items out for good: nothing finds them from now on and no sync brings them back; returns how many."""
    return len(
        session.execute(
            text(
                """WITH gone AS (DELETE FROM knowledge_items WHERE base_id = :base AND key = ANY(:keys) RETURNING key)
                INSERT INTO knowledge_removed (base_id, key) SELECT :base, key FROM gone
                ON CONFLICT DO NOTHING RETURNING key"""
            ),
            {"base": base.id, "keys": list(keys)},
        ).all()
    )


def take_back_reference(session: Session, dataset_id: int) -> list[int]:
    """Remove a dataset's items, which is about to be deleted, from every base that has them as references, and their
    texts from what was asked and is told about prices that were made with them.

    The jobs of the datasets whose bases had them, now or once.
    """
    about = {"key": f"{dataset_id}:%", "prefix": f"{dataset_id}:", "lender": str(dataset_id)}
    borrowers = list(
        session.scalars(
            text(
                """WITH gone AS (DELETE FROM knowledge_items WHERE source = 'reference' AND key LIKE :key
                                 RETURNING base_id)
                   SELECT b.dataset_id FROM gone JOIN knowledge_bases b ON b.id = gone.base_id
                   UNION SELECT dataset_id FROM jobs WHERE spec ->> 'reference' = :lender"""
            ),
            about,
        )
    )
    if not borrowers:
        return []
    session.execute(text("DELETE FROM knowledge_removed WHERE key LIKE :key"), about)
    of_borrowers = list(
        session.scalars(text("SELECT id FROM jobs WHERE dataset_id = ANY(:borrowers)"), {"borrowers": borrowers})
    )
    session.execute(
        text(
            """UPDATE completions SET request = '{}' WHERE state <> 'sent' AND (job_id = ANY(:jobs)
                   OR hash IN (SELECT hash FROM completion_uses WHERE job_id = ANY(:jobs)))"""
        ),
        {"jobs": of_borrowers},
    )
    # A prompt without neighbours beside it may hold examples from the base.
    session.execute(
        text(
            """UPDATE predictions SET evidence = evidence - '{prompt,neighbours,calls}' ::text[]
               WHERE job_id = ANY(:jobs) AND (evidence ? 'calls' OR evidence ? 'prompt' AND NOT evidence ? 'neighbours'
                   OR jsonb_path_exists(evidence, '$.neighbours[*].id ? (@ starts with $prefix)',
                                        jsonb_build_object('prefix', :prefix ::text)))"""
        ),
        about | {"jobs": of_borrowers},
    )
    return of_borrowers


def _stage(session: Session) -> None:
    """Make a table, gone with this transaction, of what is to change."""
    session.execute(text("DROP TABLE IF EXISTS knowledge_changes"))
    session.execute(
        text(
            """CREATE TEMP TABLE knowledge_changes (line bigint, id text, key text, title text, description text,
               category text, brand text, price float8, priced_at timestamptz, remove boolean DEFAULT false,
               reason text) ON COMMIT DROP"""
        )
    )


def _apply(session: Session, base: KnowledgeBase, *, source: str) -> Outcome:
    about = {"base": base.id, "dataset": base.dataset_id, "source": source}
    outcome = Outcome()
    for statement in (_REPEATED, _LEAVING, _COMPLETE, _INDEX, _HELD_OUT):
        session.execute(text(statement), about)
    leaving = session.scalars(text("SELECT key FROM knowledge_changes WHERE remove AND reason IS NULL")).all()
    outcome.removed = remove(session, base, leaving)
    total = session.scalar(text("SELECT count(*) FROM knowledge_changes WHERE NOT remove AND reason IS NULL")) or 0
    rows = session.execute(text(_UPSERT), about).all()
    session.execute(text(_BACK), about)
    outcome.added = sum(row.is_new for row in rows)
    outcome.updated = len(rows) - outcome.added
    outcome.unchanged = total - len(rows)
    for reason, number in session.execute(
        text("SELECT reason, count(*) FROM knowledge_changes WHERE reason IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1")
    ):
        outcome.refuse(reason, number)
    return outcome


_REPEATED = f"""
UPDATE knowledge_changes c SET reason = CASE WHEN coalesce(c.key, '') = '' THEN '{HAS_NO_ID}' ELSE '{IS_REPEATED}' END
FROM (SELECT ctid AS place, row_number() OVER (PARTITION BY key ORDER BY line DESC) AS n FROM knowledge_changes) s
WHERE c.ctid = s.place AND c.reason IS NULL AND (coalesce(c.key, '') = '' OR s.n > 1)"""

_LEAVING = f"""
UPDATE knowledge_changes c SET reason = '{IS_UNKNOWN}' WHERE c.remove AND c.reason IS NULL AND NOT EXISTS (
    SELECT 1 FROM knowledge_items k WHERE k.base_id = :base AND k.key = c.key)"""

# What a file leaves out is taken from the item as it is known, so that a file of ids and prices is enough.
_COMPLETE = f"""
UPDATE knowledge_changes c SET
    title = coalesce(c.title, k.title, ''), description = coalesce(c.description, k.description, ''),
    category = coalesce(c.category, k.category, ''), brand = coalesce(c.brand, k.brand, ''),
    price = coalesce(c.price, k.price),
    priced_at = least(now(), coalesce(c.priced_at, CASE WHEN c.price IS NULL OR c.price = k.price
                                                        THEN k.priced_at END, now())),
    reason = CASE WHEN coalesce(c.title, k.title, '') = '' THEN '{IS_UNTITLED}'
                  WHEN coalesce(c.price, k.price, 0) <= 0 THEN '{IS_UNPRICED}' END
FROM knowledge_changes d LEFT JOIN knowledge_items k ON k.base_id = :base AND k.key = d.key
WHERE c.ctid = d.ctid AND NOT c.remove AND c.reason IS NULL"""

_INDEX = "ANALYZE knowledge_changes"

# The same title is enough where one side has no description: a copy of a test row without its text is still a leak.
_HELD_OUT = f"""
WITH held AS (
    SELECT external_id, {_OWN_KEY} AS key, split, {_PLAIN.format("title")} AS title,
           {_PLAIN.format("description")} AS description
    FROM items WHERE dataset_id = :dataset),
secret AS MATERIALIZED (SELECT * FROM held WHERE split IN ('test', 'validation')),
coming AS MATERIALIZED (
    SELECT ctid AS place, id, {_PLAIN.format("title")} AS title, {_PLAIN.format("description")} AS description
    FROM knowledge_changes
    WHERE NOT remove AND (reason IS NULL OR reason IN ('{IS_UNTITLED}', '{IS_UNPRICED}'))),
caught AS (
    SELECT c.place, '{IS_HELD_OUT_ID}' AS reason FROM coming c JOIN secret s ON s.external_id = c.id AND c.id <> ''
    UNION ALL SELECT c.place, '{IS_HELD_OUT_ID}' FROM coming c JOIN secret s ON s.key = c.id AND c.id <> ''
        AND :source = 'file'
    UNION ALL SELECT c.place, '{IS_HELD_OUT_TEXT}' FROM coming c JOIN secret s ON s.title = c.title
        WHERE c.title <> '' AND (s.description = c.description OR s.description = '' OR c.description = ''))
UPDATE knowledge_changes c SET reason = f.reason
FROM (SELECT place, min(reason) AS reason FROM caught GROUP BY place) f WHERE c.ctid = f.place"""

_UPSERT = f"""
WITH own AS (SELECT row, split, {_OWN_KEY} AS key FROM items WHERE dataset_id = :dataset AND :source = 'file')
INSERT INTO knowledge_items AS k
    (base_id, key, row, title, description, category, brand, price, source, priced_at, text_hash)
SELECT :base, c.key, i.row, c.title, c.description, c.category, c.brand, c.price, :source, c.priced_at, {text_hash("c")}
FROM knowledge_changes c LEFT JOIN own i ON i.key = c.key AND i.split = 'train'
WHERE NOT c.remove AND c.reason IS NULL
ON CONFLICT (base_id, key) DO UPDATE SET title = excluded.title, description = excluded.description,
    category = excluded.category, brand = excluded.brand, price = excluded.price, source = excluded.source,
    priced_at = excluded.priced_at, text_hash = excluded.text_hash, changed_at = now()
WHERE (k.text_hash, k.price, k.priced_at, k.title, k.category, k.brand) IS DISTINCT FROM
      (excluded.text_hash, excluded.price, excluded.priced_at, excluded.title, excluded.category, excluded.brand)
RETURNING k.xmax = 0 AS is_new"""

# Who adds an item again wants it back.
_BACK = """
DELETE FROM knowledge_removed r USING knowledge_changes c
WHERE r.base_id = :base AND r.key = c.key AND NOT c.remove AND c.reason IS NULL"""
