"""The lexicon: what people say around what they ask for, as written in lexicon.toml."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

Patterns = tuple[str, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Register(_Part):
    """How one kind of voice speaks; shares are in [0, 1], weights are relative."""

    frames: dict[str, int]
    """Weights of what a message is framed as: to ask, tell, complain, plan, hurry or apologise."""
    groups: dict[str, int]
    """Weights of the groups of requests."""
    greets: float
    thanks: float
    reasons: float
    fancy: float
    """How often something stands before a request that it doesn't need."""
    lower: float = 0.0
    """How often sentences begin small."""
    bare_end: float = 0.0
    """How often the last sentence ends without a mark."""
    typos: float = 0.0
    letters: bool = False
    """Whether a conversation is begun like a letter, with regards at the end of the first message."""
    greetings: Patterns


class Manner(_Part):
    """How one kind of assistant speaks: what may stand before what it tells, and after it."""

    share: float
    """How often something stands before it."""
    done: Patterns
    answer: Patterns
    left: Patterns
    """Before what was looked at first and then left undone."""
    refuse: Patterns
    ask: Patterns
    more: Patterns
    instead: Patterns


class Lexicon(_Part):
    """The contents of lexicon.toml."""

    voices: dict[str, Register]
    requests: dict[str, Patterns]
    tails: Patterns
    """Ways to ask at the end of a sentence for what it has led up to."""
    effects: dict[str, Patterns]
    """Requests by what the goal's tool does."""
    questions: dict[str, Patterns]
    before: dict[str, Patterns]
    introductions: dict[str, Patterns]
    follow: dict[str, Patterns]
    joins: dict[str, Patterns]
    reasons: dict[str, Patterns]
    side: dict[str, Patterns]
    closings: dict[str, Patterns]
    ends: Patterns
    """How a first message may end that is written like a letter."""
    replies: dict[str, Patterns]
    assistant: dict[str, Manner]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Give the lexicon, read once."""
    text = files("synthesis.language").joinpath("lexicon.toml").read_text(encoding="utf-8")
    return Lexicon.model_validate(tomllib.loads(text))
