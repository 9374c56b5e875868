"""What all tables share: names of constraints, column types, keys of what is deleted together."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Double,
    ForeignKey,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Named constraints, so that a later migration can name what it changes.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012
        str: Text,
        float: Double,
        datetime: TIMESTAMP(timezone=True),
        Decimal: Numeric(18, 9),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        list[int]: ARRAY(BigInteger),
        bytes: LargeBinary,
    }


def dataset_key(**kwargs: Any) -> Mapped[int]:
    """A column with the number of a dataset, whose rows go when the dataset goes."""
    return mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"), **kwargs)


def job_key(**kwargs: Any) -> Mapped[int]:
    """A column with the number of a job, whose rows go when the job goes."""
    return mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), **kwargs)


def owner() -> Mapped[str]:
    """A column with the name of the person that a thing belongs to; "" = to nobody, and everybody sees it.

    Who makes it is whom its transaction is for; what workers make inherits (migration 0031).
    """
    return mapped_column(server_default=text("coalesce(current_setting('pricewright.person', true), '')"))
