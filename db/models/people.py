"""The table of tokens, by which the command line knows who acts."""

from datetime import datetime

from sqlalchemy import func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class TokenRow(Base):
    """A token's hash: the token itself is shown once and kept nowhere."""

    __tablename__ = "tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]  # of the person that it acts for
    role: Mapped[str]
    groups: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    sha256: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
