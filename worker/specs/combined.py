"""What techniques made of other techniques have in common: members, named by their full specs."""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, SerializeAsAny, field_validator

from db.errors import UserError
from worker.specs.base import BaseSpec, describe

MOST = 8
"""Members of one combination: each is asked about a row, and weights of more are not found on a few hundred rows."""


def _parsed(value: Any) -> Any:
    from worker.specs.registry import parse  # the table holds what is defined with this

    member = value if isinstance(value, BaseSpec) else parse(value)
    if isinstance(member, CombinedSpec):
        raise UserError("members: an ensemble or a cascade can't be a member of another one; name its own members.")
    return member


Member = Annotated[SerializeAsAny[BaseSpec], BeforeValidator(_parsed)]


def members_field(*default: BaseSpec) -> Any:
    """The field `members`, with those that are taken where nobody names any."""
    return Field(
        default,
        max_length=MOST,
        title="Members",
        description="Names of techniques and numbers of jobs of this dataset, with commas between.",
    )


class CombinedSpec(BaseSpec):
    """A stored spec holds its members whole, so that it says for ever what it is made of."""

    searches = True  # if one of its members does
    chunk_items = 500
    fit_form = 2  # 1: calibrated on rows that had chosen its weights or limits
    rare: ClassVar[tuple[str, ...]] = ()
    members: tuple[Member, ...]

    @field_validator("members")
    @classmethod
    def _several(cls, members: tuple[BaseSpec, ...]) -> tuple[BaseSpec, ...]:
        if len(members) < 2:
            raise UserError(f"{cls.label} needs two members at least, such as ridge and neighbours.")
        return members

    @property
    def uses_endpoint(self) -> bool:
        return any(member.uses_endpoint for member in self.members)

    @property
    def reads_neighbours(self) -> bool:
        return any(member.reads_neighbours for member in self.members)

    @property
    def chunk_size(self) -> int:
        return min((member.chunk_size for member in self.members), default=self.chunk_items)

    @property
    def calibration_rows(self) -> int:
        # Its calibration rows are those that every member has priced for its own: its fit has all their answers, and
        # keeps what weights or limits say of a row that it had no part in choosing.
        return 0

    @property
    def fit_key(self) -> str:
        return " ".join([super().fit_key, *(member.fit_key for member in self.members)])

    def changes(self, form: str = "") -> list[str]:
        del form
        standard = type(self)()  # type: ignore[call-arg]
        others = {name: value for name, value in self.model_dump().items() if name not in ("members", "technique")}
        named = [] if self.members == standard.members else [" + ".join(describe(each) for each in self.members)]
        return named + [f"{name}={value}" for name, value in others.items() if value != getattr(standard, name)]


def members_of(spec: BaseSpec) -> tuple[BaseSpec, ...]:
    """The techniques that a spec is made of; () for one that is not made of others."""
    return spec.members if isinstance(spec, CombinedSpec) else ()
