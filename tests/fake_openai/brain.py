"""What a brain gets and gives: a chat request that was checked, and an answer token by token."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.fake_openai.settings import Model, Settings

# Close to how byte-pair tokenizers cut English: words with their space, digits up to three, marks.
_PIECES = re.compile(r" ?[^\W\d_]{1,9}|\d{1,3}|\s+|[^\w\s]|_")


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an answer with what else could have stood there, likeliest first (natural logarithms)."""

    text: str
    logprob: float = 0.0
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: str  # JSON, or what a model takes for it


@dataclass(frozen=True, slots=True)
class Ask:
    """A chat request; `model` and `settings` are what they were when it came."""

    model: Model
    settings: Settings
    messages: Sequence[Mapping[str, Any]]
    max_tokens: int | None = None
    temperature: float | None = None  # None: not given; the brains then answer as at 0, so that tests can repeat
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: bool = False
    schema: Mapping[str, Any] | None = None  # of the JSON that is asked for; {} = any object
    tools: Sequence[Mapping[str, Any]] = ()  # the inner "function" objects
    tool_choice: str = "auto"  # auto | none | required | the name of a function
    parallel: bool = True
    free_text: bool = False  # a response_format was asked for and is being ignored


@dataclass(frozen=True, slots=True)
class Answer:
    tokens: list[Token] = field(default_factory=list)
    calls: tuple[Call, ...] = ()
    finish: str = "stop"
    reasoning: int = 0  # hidden tokens

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens)


class Brain(Protocol):
    blocking: bool  # thinks for long: it is asked in a thread

    def models(self) -> list[Model] | None:
        """The models that this brain serves; None: whatever the settings say."""
        ...

    def tokens(self, messages: Sequence[Mapping[str, Any]]) -> list[str]:
        """The prompt as tokens: how many there are is what is billed."""
        ...

    def answer(self, ask: Ask) -> Answer:
        """Raises Refused for what it can't do."""
        ...


def text_of(message: Mapping[str, Any]) -> str:
    """The words of a message whose content may come in parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def pieces(text: str) -> list[str]:
    """A text as tokens; joined they are the text again."""
    return _PIECES.findall(text)


def shortened(answer: Answer, ask: Ask) -> Answer:
    """The answer cut at the first stop sequence, then at the token limit."""
    tokens, finish = answer.tokens, answer.finish
    for stop in ask.stop:
        where = "".join(token.text for token in tokens).find(stop)
        if where >= 0:
            tokens, finish = _until(tokens, where), "stop"
    room = ask.max_tokens
    if room is not None and not answer.calls and answer.reasoning + len(tokens) > room:
        tokens, finish = tokens[: max(0, room - answer.reasoning)], "length"
        return Answer(tokens, (), finish, min(answer.reasoning, room))
    return Answer(tokens, answer.calls, finish, answer.reasoning)


def _until(tokens: list[Token], letters: int) -> list[Token]:
    kept: list[Token] = []
    for token in tokens:
        if letters <= 0:
            break
        kept.append(Token(token.text[:letters], token.logprob, token.top))
        letters -= len(token.text)
    return kept
