"""Who acts: a person with a role and groups."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a person may do anywhere; each role may do what those before it may."""

    VIEWER = "viewer"  # reads what is shared with her
    ANALYST = "analyst"  # loads, prices, decides; changes what is hers
    ADMIN = "admin"  # also endpoints, tariffs, what is others'

    def includes(self, other: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed in, or the user of a terminal."""

    name: str  # as the identity provider or the operating system calls her; unique
    role: Role
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Token:
    """What lets the command line act for a person where people sign in; the token itself is kept nowhere."""

    id: int
    person: Person
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None  # None: it acts until it expires
