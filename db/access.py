"""Who may do what: the one place where a verb is allowed or refused, and noted in the audit log.

Every function that changes something for a person calls `act` in its transaction, whoever calls it: a page, a command,
a test. What may be done by whom stands in db/types/verbs.py.
"""

import getpass
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from db import acting, audit
from db.audit import Thing
from db.errors import NotAllowed
from db.settings import settings
from db.types import (
    RULES,
    Adapter,
    Dataset,
    Endpoint,
    Game,
    Job,
    KnowledgeBase,
    Person,
    Pricer,
    PricerBatch,
    PromptVersion,
    Role,
    SavedScenario,
    SavedVerdict,
    Verb,
)

_KINDS: Mapping[type, str] = MappingProxyType(
    {
        Adapter: "adapter", Dataset: "dataset", Endpoint: "endpoint", Game: "game", Job: "job",
        KnowledgeBase: "knowledge", Pricer: "pricer", PricerBatch: "batch", PromptVersion: "prompt",
        SavedScenario: "scenario", SavedVerdict: "verdict",
    }
)  # fmt: skip

_NAMES: Mapping[type, str] = MappingProxyType(
    {Adapter: "task", PricerBatch: "file_name", Game: "person", KnowledgeBase: "dataset_id", SavedVerdict: "dataset_id"}
)
"""The field that says how a thing is called, where that is not its name."""


def name() -> str:
    """The name of whoever acts, for histories: who signed in, or the user of this machine."""
    person = acting.person()
    return person.name if person else getpass.getuser()


def may(verb: Verb, of: object | None = None) -> str:
    """Why whoever acts may not do this to a thing, in a sentence that says who may; "" where she may."""
    person, rule = acting.person(), RULES[verb]
    if person is None:
        return ""  # the product itself
    owner = getattr(of, "owner", None)  # None: nothing that has one
    if owner is None or owner == person.name:
        return "" if person.role.includes(rule.least) else _sentence(person, rule.does, _those(rule.least))
    if person.role.includes(rule.others):
        return ""
    who, does = _those(rule.others), rule.does
    if person.role.includes(rule.least):
        who = f"{owner}, whose it is, or {who}" if owner else who
        does = does if owner else f"{does} that belongs to nobody"
    return _sentence(person, does, who)


def _those(role: Role) -> str:
    return {Role.ADMIN: "an admin", Role.ANALYST: "an analyst or an admin", Role.VIEWER: "somebody who signed in"}[role]


def _sentence(person: Person, does: str, who: str) -> str:
    article = "a" if person.role is Role.VIEWER else "an"
    return f"Only {who} may {does}; you are {person.name}, {article} {person.role}."


def check(verb: Verb, of: object | None = None) -> None:
    """Raises NotAllowed where whoever acts may not do this."""
    if why := may(verb, of):
        raise NotAllowed(why)


def act(
    session: Session, verb: Verb, of: object | Thing | None = None, *, usd: Decimal | None = None, **details: Any
) -> None:
    """Do a verb: check the right to it and note it, in the transaction of what it changes.

    `of`: the thing, as it was before; of what is made, the thing made. `usd`: money that is allowed or entered.
    `details`: what changed. Raises NotAllowed.
    """
    check(verb, of)
    audit.write(session, verb, _named(of, verb), usd, details)


def _named(of: object | Thing | None, verb: Verb) -> Thing:
    if isinstance(of, Thing):
        return of
    if of is None:
        return Thing(verb.partition(".")[0], "", "")
    called = str(getattr(of, _NAMES.get(type(of), "name"), ""))
    return Thing(_KINDS[type(of)], str(getattr(of, "id", called)), called)


def most_usd() -> Decimal | None:
    """The most that whoever acts may let one job spend; None: as much as she likes."""
    limit = settings().cap_limit_usd
    return limit if limit and may(Verb.RAISE_CAP) else None


def allowed_cap(cap_usd: Decimal | None) -> Decimal | None:
    """The cap of a job that pays an endpoint: the one asked for; where none is, the limit of whoever acts, if she has
    one. Raises NotAllowed for one above it."""
    limit = most_usd()
    if limit is None:
        return cap_usd
    if cap_usd is not None and cap_usd > limit:
        raise NotAllowed(f"{may(Verb.RAISE_CAP).rstrip('.')}. The limit is ${limit:,.2f} a job.")
    return limit if cap_usd is None else cap_usd
