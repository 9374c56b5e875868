"""Versions of a dataset: which one another was made from, how, and what changed on the way."""

from dataclasses import asdict

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from db import datasets
from db.models import DatasetRow
from db.types import Changes, Dataset, MadeBy


def changes(session: Session, before: int, after: int) -> Changes:
    """What another dataset has that this one has not, and the other way round.

    Rows are the same product where both tables have the same id of her own for it, or, where either has none, the same
    title and description. Of several rows alike as many are the same as both have; a price is another one if no row
    alike in the other table has it.
    """
    has_id = all("id" in datasets.get(session, each).mapping for each in (before, after))
    query = """
        WITH rows AS (
            SELECT dataset_id = :after AS is_after, price,
                   CASE WHEN :has_id AND external_id <> '' THEN 'id ' || external_id
                        ELSE 'text ' || length(title) || ' ' || title || description END AS key
            FROM items WHERE dataset_id IN (:before, :after)),
        priced AS (
            SELECT key, count(*) FILTER (WHERE NOT is_after) AS old, count(*) FILTER (WHERE is_after) AS new
            FROM rows GROUP BY key, price),
        products AS (
            SELECT sum(old) AS old, sum(new) AS new, sum(least(old, new)) AS same FROM priced GROUP BY key)
        SELECT coalesce(sum(greatest(new - old, 0)), 0), coalesce(sum(greatest(old - new, 0)), 0),
               coalesce(sum(least(old, new) - same), 0)
        FROM products"""
    if before == after:
        return Changes(0, 0, 0, has_id)
    values = {"before": before, "after": after, "has_id": has_id}
    added, removed, repriced = map(int, session.execute(text(query), values).one())
    return Changes(added, removed, repriced, has_id)


def note(session: Session, dataset_id: int) -> None:
    """Keep with a version what changed since the dataset that it was made from; nothing where that is gone."""
    parent = datasets.get(session, dataset_id).made_from
    if parent is not None:
        datasets.change(session, dataset_id, changes=asdict(changes(session, parent, dataset_id)))


def of(session: Session, dataset_id: int, made_by: MadeBy | None = None) -> list[Dataset]:
    """The datasets that were made from this one (in one way, where that is said), newest first."""
    query = select(DatasetRow.id).where(DatasetRow.made_from == dataset_id).order_by(DatasetRow.id.desc())
    if made_by is not None:
        query = query.where(DatasetRow.made_by == made_by)
    return [datasets.get(session, each) for each in session.scalars(query)]
