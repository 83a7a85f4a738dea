"""Answers: what the functions of the control plane give, as types that the OpenAPI document shows."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict


class Card(TypedDict):
    """An environment in the list."""

    name: str
    title: str
    domain: str
    summary: str
    version: str
    tools: list[str]


class Broken(TypedDict):
    """An environment that doesn't load, and why."""

    name: str
    message: str


class Listed(TypedDict):
    """The environments of a farm."""

    environments: list[Card]
    broken: NotRequired[list[Broken]]


class Source(TypedDict):
    """What an environment declares."""

    manifest: dict[str, Any]
    schema: str
    phrases: str | None
    policy: str | None
    contracts: dict[str, dict[str, Any]]
    invariants: dict[str, str]


class Stamp(TypedDict):
    """An environment as an episode has it; the digest is that of its starting state."""

    name: str
    version: str
    digest: str


class Opened(TypedDict):
    """A new episode: its id, and the handles of its two actors."""

    episode: str
    agent: str
    user: str
    now: str
    seed: int
    size: str
    environments: list[Stamp]
    persona: dict[str, Any]
    url: NotRequired[str]
    """The address of the worker that holds it, where a farm has several."""


class State(TypedDict):
    """Digests of an episode's state, as a whole and by environment, and its clock."""

    digest: str
    digests: dict[str, str]
    now: str


class AllRows(TypedDict):
    """Rows by table."""

    rows: dict[str, list[dict[str, Any]]]


class Found(TypedDict):
    """What a query found."""

    columns: list[str]
    rows: list[list[Any]]


class Kept(TypedDict):
    """The name of a snapshot."""

    snapshot: str


class TableChanges(TypedDict):
    """What changed in a table."""

    inserted: list[dict[str, Any]]
    updated: list[dict[str, Any]]
    deleted: list[dict[str, Any]]


class Changes(TypedDict):
    """What changed, by environment and table."""

    changes: dict[str, dict[str, TableChanges]]


class Call(TypedDict):
    """A call that was made; of `result` and `text` it has the one that was answered."""

    environment: str
    tool: str
    kind: str
    actor: str
    arguments: dict[str, Any]
    is_error: bool
    refusal: str | None
    result: NotRequired[dict[str, Any]]
    text: NotRequired[str]


class Calls(TypedDict):
    """Calls in order."""

    calls: list[Call]


class Violations(TypedDict):
    """Rows that break invariants, by environment and invariant."""

    violations: dict[str, dict[str, list[dict[str, Any]]]]


class Held(TypedDict):
    """The name of a moment that is held."""

    held: str


class Nothing(TypedDict):
    """Nothing is left to say."""
