"""What a process says of itself: what was looked at, and whether all of it is well."""

from pydantic import BaseModel, ConfigDict


class Check(BaseModel):
    """One thing that was looked at; `detail` is a sentence where it is not well."""

    model_config = ConfigDict(frozen=True)

    part: str
    ok: bool
    detail: str = ""


class Answer(BaseModel):
    """All that was looked at in one process."""

    model_config = ConfigDict(frozen=True)

    process: str
    ok: bool
    checks: list[Check]

    def sentence(self) -> str:
        """What is wrong, or that nothing is."""
        wrong = [check.detail or f"The {check.part} is not well." for check in self.checks if not check.ok]
        return f"{self.process}: {' '.join(wrong) if wrong else 'well'}"
