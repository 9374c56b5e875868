"""What people decided about known prices that look wrong, and the dataset that follows from it."""

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from db import engine, versions

ACCEPT, FIX, DROP = DECISIONS = ("accept", "fix", "drop")

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {"row": pl.Int64, "decision": pl.String, "price": pl.Float64}
DROPPED = "its price was judged wrong and the row was dropped"


def put(session: Session, dataset_id: int, row: int, decision: str, price: float | None) -> None:
    """Decide about a row, in place of what was decided before. price: $ of a fix, else None."""
    session.execute(
        text(
            """INSERT INTO price_decisions (dataset_id, "row", decision, price)
               VALUES (:dataset, :row, :decision, :price)
               ON CONFLICT (dataset_id, "row") DO UPDATE
               SET decision = excluded.decision, price = excluded.price, decided_at = now()"""
        ),
        {"dataset": dataset_id, "row": row, "decision": decision, "price": price},
    )


def take_back(session: Session, dataset_id: int, row: int) -> None:
    """Forget what was decided about a row."""
    session.execute(
        text('DELETE FROM price_decisions WHERE dataset_id = :dataset AND "row" = :row'),
        {"dataset": dataset_id, "row": row},
    )


def of(session: Session, dataset_id: int) -> pl.DataFrame:
    """Every decision about a dataset's prices (SCHEMA), by row."""
    return engine.copy_out(
        session,
        'SELECT "row", decision, price FROM price_decisions WHERE dataset_id = %s ORDER BY "row"',
        SCHEMA,
        (dataset_id,),
    )


def apply(session: Session, dataset_id: int, name: str) -> int:
    """A new dataset with the decisions in it; its id. Rows keep their number, group and side, so that both datasets
    have the same test rows; a dropped row is a reject there. Nothing of the old one is changed."""
    made: int = session.execute(
        text(
            """INSERT INTO datasets (name, state, file_sha256, file_name, is_synthetic, rows_in, inspection, mapping,
                                     profile, currency, made_from, made_by)
               SELECT :name, state, file_sha256, file_name, is_synthetic, rows_in, inspection, mapping, profile,
                      currency, id, 'decisions'
               FROM datasets WHERE id = :dataset RETURNING id"""
        ),
        {"dataset": dataset_id, "name": name},
    ).scalar_one()
    values = {"dataset": dataset_id, "made": made, "reason": DROPPED}
    session.execute(
        text(
            """INSERT INTO items (dataset_id, "row", line, external_id, title, description, category, brand, price,
                                  original_price, original_currency, weight, date, quantity, split, group_id)
               SELECT :made, i.row, i.line, i.external_id, i.title, i.description, i.category, i.brand,
                      CASE WHEN d.decision = 'fix' THEN d.price ELSE i.price END,
                      CASE WHEN d.decision = 'fix' THEN NULL ELSE i.original_price END,
                      CASE WHEN d.decision = 'fix' THEN '' ELSE i.original_currency END, i.weight, i.date,
                      i.quantity, i.split, i.group_id
               FROM items i LEFT JOIN price_decisions d ON d.dataset_id = i.dataset_id AND d.row = i.row
               WHERE i.dataset_id = :dataset AND d.decision IS DISTINCT FROM 'drop'"""
        ),
        values,
    )
    session.execute(
        text(
            """INSERT INTO rejects (dataset_id, line, raw, reason, count)
               SELECT :made, line, raw, reason, count FROM rejects WHERE dataset_id = :dataset
               UNION ALL
               SELECT :made, i.line, i.title, :reason, 1 FROM items i JOIN price_decisions d
                   ON d.dataset_id = i.dataset_id AND d.row = i.row
               WHERE i.dataset_id = :dataset AND d.decision = 'drop'"""
        ),
        values,
    )
    session.execute(
        text(
            """UPDATE datasets SET
                   items = (SELECT count(*) FROM items WHERE dataset_id = :made),
                   rejects = (SELECT coalesce(sum(count), 0) FROM rejects WHERE dataset_id = :made),
                   splits = splits_of.counts
               FROM (SELECT jsonb_object_agg(side, coalesce(n, 0)) AS counts
                     FROM unnest(CAST(:sides AS text[])) AS side
                     LEFT JOIN (SELECT split, count(*) AS n FROM items WHERE dataset_id = :made GROUP BY split) s
                         ON s.split = side) splits_of
               WHERE id = :made"""
        ),
        {"made": made, "sides": ["train", "validation", "test", "unpriced"]},
    )
    versions.note(session, made)
    return made
