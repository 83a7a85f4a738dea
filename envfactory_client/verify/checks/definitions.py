"""Definitions: what a server's listing alone promises to whoever is to call its tools.

Some of it every server owes (described tools, sound schemas, hints that don't lie), some only one that says what its
parameters stand for: there each is as tight as the domain.
"""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, ClassVar

from envfactory_client.tool import Tool
from envfactory_client.verify.bench import Bench
from envfactory_client.verify.check import Broken, Check, Experiment, Severity
from envfactory_client.verify.example import Example
from envfactory_client.verify.foreign_subject import ForeignSubject
from envfactory_client.verify.published import misfit, sound_schema
from envfactory_client.verify.subject import Subject

TOKEN_BUDGET = 6000
_LETTERS_A_TOKEN = 4
_SHOWN = 3
_CALLABLE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_VERB_NOUN = re.compile(r"[a-z]+(_[a-z0-9]+)+")
_TEXT_BOUNDS = ("enum", "const", "pattern", "format", "maxLength")


class TokenBudget(Experiment):
    """D5: a model can afford to read it."""

    id, name = "D5", "token_budget"
    sentence = f"The listing of the agent's tools takes a model at most about {TOKEN_BUDGET} tokens to read."
    severity: ClassVar[Severity] = "warning"

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Look at the listing once."""
        bench.tried(self)
        if (sentence := await self.judge(bench.subject, Example())) is not None:
            yield Broken(sentence, Example())

    async def judge(self, subject: Subject, example: Example) -> str | None:  # noqa: ARG002 - the same of every example
        """Estimate the tokens by the letters."""
        tools = [tool for tool in listed(subject).values() if tool.actor == "agent"]
        tokens = sum(_tokens(tool) for tool in tools)
        if tokens <= TOKEN_BUDGET:
            return None
        longest = max(tools, key=_tokens)
        return (
            f"the listing of {len(tools)} tools takes about {tokens} tokens of at most {TOKEN_BUDGET}; "
            f"the longest is {longest.name} with about {_tokens(longest)}"
        )


class Listing(Experiment):
    """What is true of each tool as it is listed."""

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Look at each tool."""
        for name in listed(bench.subject):
            bench.tried(self)
            example = Example(twist={"tool": name})
            if (sentence := await self.judge(bench.subject, example)) is not None:
                yield Broken(sentence, example, name)

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Name the first things that are wrong with one tool's listing."""
        tool = listed(subject).get(str(example.twist.get("tool")))
        if tool is None:
            return None
        found = list(self.wrong(tool))
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return f"{tool.name}: {'; '.join(found[:_SHOWN])}{more}" if found else None

    @abstractmethod
    def wrong(self, tool: Tool) -> Iterator[str]:
        """What is wrong with a tool's listing, each as a phrase."""


class Definitions(Listing):
    """D6: a listing that can be relied on."""

    id, name = "D6", "definitions"
    sentence = "Every tool is described, its schemas are sound, and its hints don't contradict it."

    def wrong(self, tool: Tool) -> Iterator[str]:
        """Look at the description, both schemas and the hints."""
        if not tool.description.strip():
            yield "it has no description"
        yield from _unsound(tool)
        yield from _contradictions(tool)
        if tool.contract is not None:
            yield from _unlike_contract(tool)


class Tightness(Listing):
    """D8: a listing that leaves no room for calls that can only go wrong."""

    id, name = "D8", "tight_parameters"
    sentence = "Every parameter is described and typed, as tight as its domain where that is known; tools give hints."
    severity: ClassVar[Severity] = "warning"

    def wrong(self, tool: Tool) -> Iterator[str]:
        """Look at each parameter, and at which hints there are."""
        for path, form in leaves(tool.input_schema):
            yield from _loose(path, form, known=tool.contract is not None)
        if "readOnlyHint" not in tool.annotations:
            yield "it doesn't say whether it only reads (readOnlyHint)"
        if not _CALLABLE.fullmatch(tool.name):
            yield "its name isn't one that every model can call (letters, digits, _ and -, at most 64)"
        if tool.contract is not None:
            yield from _house_style(tool)


DEFINITIONS: tuple[Check, ...] = (TokenBudget(), Definitions(), Tightness())


def listed(subject: Subject) -> Mapping[str, Tool]:
    """All tools of a subject, with those that mustn't be called."""
    return subject.all_tools if isinstance(subject, ForeignSubject) else subject.tools


def leaves(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The parameters of an input schema by path, such as "passengers[].name"; those that hold others come first."""
    yield from _below(schema, schema, "", depth=0)


def resolved(form: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with its reference followed; what stands beside the reference stays."""
    reference = form.get("$ref")
    if not isinstance(reference, str):
        return form
    node: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        node = node.get(part, {}) if isinstance(node, Mapping) and part else node
    beside = {name: value for name, value in form.items() if name != "$ref"}
    return {**node, **beside} if isinstance(node, Mapping) and "$ref" not in node else beside


def options(form: Mapping[str, Any], root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The alternatives that a schema allows, null left out."""
    form = resolved(form, root)
    inner = form.get("anyOf") or form.get("oneOf")
    found = [resolved(option, root) for option in inner] if isinstance(inner, list) else [form]
    return [option for option in found if option.get("type") != "null"]


def _below(
    schema: Mapping[str, Any], root: Mapping[str, Any], path: str, *, depth: int
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    properties = schema.get("properties")
    if depth > 5 or not isinstance(properties, Mapping):
        return
    for name, raw in properties.items():
        field = resolved(raw, root) if isinstance(raw, Mapping) else {}
        here = f"{path}{name}"
        yield here, field
        for option in options(field, root):
            if isinstance(option.get("items"), Mapping):
                yield from _below(resolved(option["items"], root), root, f"{here}[].", depth=depth + 1)
            yield from _below(option, root, f"{here}.", depth=depth + 1)


def _tokens(tool: Tool) -> int:
    listing = {"name": tool.name, "description": tool.description, "inputSchema": dict(tool.input_schema)}
    return len(json.dumps(listing, ensure_ascii=False)) // _LETTERS_A_TOKEN


def _unsound(tool: Tool) -> Iterator[str]:
    schemas = {"input": tool.input_schema} | ({} if tool.output_schema is None else {"output": tool.output_schema})
    for side, schema in schemas.items():
        if (problem := sound_schema(schema)) is not None:
            yield f"its {side} schema is no JSON Schema: {problem}"
            return
    if tool.input_schema.get("type") != "object":
        yield "its input schema isn't that of an object"
    properties = tool.input_schema.get("properties", {})
    for name in tool.input_schema.get("required", ()):
        if name not in properties:
            yield f"it requires {name}, which is no parameter of it"
    for path, form in leaves(tool.input_schema):
        yield from _contradictory(path, form, tool.input_schema)


def _contradictory(path: str, form: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    """Patterns that no regular expression is, ranges without a value, and defaults that the schema itself rejects."""
    for option in options(form, root):
        pattern = option.get("pattern")
        if isinstance(pattern, str) and _not_a_pattern(pattern):
            yield f"the pattern of {path} is no regular expression"
            return
        for low, high in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
            if low in option and high in option and option[low] > option[high]:
                yield f"{path} has a {low} above its {high}, so that no value fits"
    if form.get("default") is not None:
        scope = {name: root[name] for name in ("$defs", "definitions") if name in root}
        if (problem := misfit({**form, **scope}, form["default"])) is not None:
            yield f"the default of {path} is one that its schema rejects: {problem}"


def _not_a_pattern(pattern: str) -> bool:
    # What only JavaScript's regular expressions know is left to JavaScript.
    if re.search(r"\\[pPuc]|\(\?<[^=!]|\\/", pattern):
        return False
    try:
        re.compile(pattern)
    except re.error:
        return True
    return False


def _contradictions(tool: Tool) -> Iterator[str]:
    if tool.read_only and tool.annotations.get("destructiveHint") is True:
        yield "it says both that it only reads and that it destroys"
    for hint in ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"):
        if not isinstance(tool.annotations.get(hint, False), bool):
            yield f"its {hint} is neither true nor false"


def _unlike_contract(tool: Tool) -> Iterator[str]:
    contract = tool.contract
    assert contract is not None
    reads = contract.kind == "reads"
    overwrites = any(word in text for text in contract.changes.values() for word in ("update", "delete"))
    expected = {"readOnlyHint": reads, "destructiveHint": not reads and overwrites, "openWorldHint": False}
    for hint, value in (expected | ({"idempotentHint": True} if reads else {})).items():
        if tool.annotations.get(hint) is not value:
            yield f"its {hint} must be {str(value).lower()} by its contract"
    if reads and contract.changes:
        yield f"its contract says that it reads, and that it changes {', '.join(sorted(contract.changes))}"
    unknown = sorted(set(contract.parameters) - set(tool.input_schema.get("properties", {})))
    if unknown:
        yield f"its contract speaks of {unknown[0]}, which is no parameter of it"
    if tool.input_schema.get("additionalProperties") is not False:
        yield "its input schema takes parameters that it doesn't name (additionalProperties)"
    output = tool.output_schema or {}
    if output.get("type") != "object" or not output.get("title"):
        yield "its output schema isn't that of an object with a title"


def _loose(path: str, form: Mapping[str, Any], *, known: bool) -> Iterator[str]:
    if not str(form.get("description", "")).strip():
        yield f"{path} isn't described"
    if not {"type", "enum", "const", "anyOf", "oneOf", "allOf"} & form.keys():
        yield f"{path} takes values of any type"
    for option in options(form, {}) if known else ():
        yield from _unbounded(path, option)


def _unbounded(path: str, form: Mapping[str, Any]) -> Iterator[str]:
    match form.get("type"):
        case "string" if not any(word in form for word in _TEXT_BOUNDS):
            yield f"{path} takes any text; give it a pattern, a format, values or a maxLength"
        case "integer" | "number" if "enum" not in form and not {"minimum", "maximum"} <= form.keys():
            yield f"{path} takes numbers without a minimum or a maximum"
        case "array":
            if "maxItems" not in form:
                yield f"{path} takes lists of any length"
            items = form.get("items", {})
            yield from _unbounded(f"{path}[]", items) if items.get("type") != "object" else ()
        case "object" if form.get("additionalProperties") is not False:
            yield f"{path} takes fields that it doesn't name (additionalProperties)"


def _house_style(tool: Tool) -> Iterator[str]:
    assert tool.contract is not None
    if not _VERB_NOUN.fullmatch(tool.name):
        yield "its name isn't of the form verb_noun"
    free = [name for name, field in tool.contract.parameters.items() if field.free]
    if len(free) > 1:
        yield f"it takes {len(free)} free texts ({', '.join(free)}); one is enough"
