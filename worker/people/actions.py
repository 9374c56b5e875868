"""Every verb about people: make, list and revoke tokens, and say who else sees a thing."""

import secrets
from collections.abc import Collection
from typing import Literal

from db import access, acting, datasets, pricers, prompts, tokens, visibility
from db.audit import Thing
from db.engine import Session, begin
from db.errors import NotFound, UserError, WrongState
from db.types import Person, Role, Token, Verb
from worker.people.identity import hashed

Kind = Literal["dataset", "prompt", "pricer"]
KINDS: tuple[Kind, ...] = ("dataset", "prompt", "pricer")
_KEPT: dict[Kind, tuple[str, str]] = {
    "dataset": ("datasets", "id"),
    "prompt": ("prompts", "name"),
    "pricer": ("pricers", "name"),
}
"""Kind of what can be shared -> its table, and the column that names it."""

_LONGEST = 366


def make_token(name: str, role: Role, days: int, groups: Collection[str] = ()) -> tuple[str, Token]:
    """A token that acts for a person, which is shown this once, and what is kept of it. Raises UserError."""
    if not name.strip():
        raise UserError("Say for whom the token acts.")
    if not 1 <= days <= _LONGEST:
        raise UserError(f"A token is good for 1 to {_LONGEST} days.")
    _demand_admin("make tokens")
    token = f"pw_{secrets.token_urlsafe(32)}"
    with begin() as session:
        made = tokens.add(session, Person(name.strip(), role, frozenset(groups)), hashed(token), days)
        about = {"role": role, "groups": ", ".join(sorted(groups)), "days": days}
        access.act(session, Verb.MAKE_TOKEN, Thing("token", str(made.id), made.person.name), usd=None, **about)
        return token, made


def every_token() -> list[Token]:
    """All tokens, newest first. Raises UserError for anybody but an admin."""
    _demand_admin("list tokens")
    with begin() as session:
        return tokens.all(session)


def revoke_token(token_id: int) -> Token:
    """Let a token act no more. Raises NotFound."""
    _demand_admin("revoke tokens")
    with begin() as session:
        revoked = tokens.revoke(session, token_id)
        access.act(session, Verb.REVOKE_TOKEN, Thing("token", str(token_id), revoked.person.name))
        return revoked


def _demand_admin(verb: str) -> None:
    person = acting.person()
    if person and not person.role.includes(Role.ADMIN):
        raise WrongState(f"Only an admin can {verb}; you are {person.role}.")


def names_of(said: str) -> list[str]:
    """What a person wrote about others (names and group:NAME, with commas between) as it is kept: person:NAME,
    group:NAME."""
    parts = [part.strip() for part in said.split(",") if part.strip()]
    return [part if part.startswith("group:") else f"person:{_person(part)}" for part in parts]


def _person(name: str) -> str:
    name = name.removeprefix("person:")
    return name.lower() if "@" in name else name


def said_of(shared_with: Collection[str]) -> str:
    """What `names_of` reads back."""
    return ", ".join(name.removeprefix("person:") for name in shared_with if name != visibility.EVERYBODY)


def may_share(owner: str) -> bool:
    """Whether who acts may say who sees a thing of this owner."""
    person = acting.person()
    return person is None or person.role.includes(Role.ADMIN) or owner == person.name


def share(kind: Kind, its_id: int | str, with_whom: Collection[str]) -> None:
    """Say who sees a thing beside its owner: nobody, the people and groups of `names_of`, or visibility.EVERYBODY.

    its_id: a dataset's number, the name of a prompt or a pricer, whose versions are all shared alike. Raises NotFound;
    WrongState for what is another's, and for what is everybody's because it belongs to nobody.
    """
    with begin() as session:
        owner = _owner(session, kind, its_id)
        if not owner:
            raise WrongState(f"Everybody sees this {kind}, because it belongs to nobody; an admin can give it to one.")
        if not may_share(owner):
            raise WrongState(f"This {kind} belongs to {owner}, who alone can share it, or an admin.")
        access.act(session, Verb.SHARE, Thing(kind, str(its_id), ""), with_whom=", ".join(with_whom))
        visibility.share(session, *_KEPT[kind], its_id, with_whom)


def give(kind: Kind, its_id: int | str, to: str) -> None:
    """Make a thing somebody's; an admin alone can. Raises NotFound, WrongState."""
    _demand_admin("give away what is another's")
    if not to.strip():
        raise UserError("Say to whom.")
    with begin() as session:
        before = _owner(session, kind, its_id)
        access.act(session, Verb.GIVE, Thing(kind, str(its_id), ""), to=_person(to.strip()), before=before)
        visibility.give(session, *_KEPT[kind], its_id, _person(to.strip()))


def _owner(session: Session, kind: Kind, its_id: int | str) -> str:
    if kind == "dataset":
        return datasets.get(session, int(its_id)).owner
    name = str(its_id)
    if kind == "prompt":
        prompt = prompts.get(session, name)
        if prompt is None:
            raise NotFound(f"There is no prompt {name} that somebody saved.")
        return prompt.owner
    versions = pricers.versions(session, name)
    if not versions:
        raise NotFound(f"There is no pricer {name}; `pricewright pricers list` lists those there are.")
    return versions[0].owner
