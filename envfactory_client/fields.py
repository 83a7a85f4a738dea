"""Fields: the leaves of a JSON schema or a JSON value, each under a path such as "flights[].flight_id"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_DEPTH = 8
"""Schemas may contain themselves; nobody links fields deeper than this."""

JsonType = str
_TYPE_OF: Mapping[type, JsonType] = {str: "string", bool: "boolean", int: "integer", float: "number"}


@dataclass(frozen=True, slots=True)
class SchemaField:
    """One leaf of a schema."""

    path: str
    types: frozenset[JsonType]
    """The JSON types that it may have, without null; empty when the schema doesn't say."""
    required: bool
    """Whether it and everything that it lies in must be there."""
    description: str = ""
    form: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The leaf's schema without null, with the description and the default of what it stands in."""


def schema_fields(schema: Mapping[str, Any]) -> tuple[SchemaField, ...]:
    """The leaves of a schema, in its order; references inside the schema are followed."""
    return tuple(_walk(schema, "", required=True, root=schema, depth=0))


def value_fields(value: Any) -> tuple[SchemaField, ...]:
    """The leaves of a value, as a schema that has seen only this value would list them."""
    types: dict[str, set[JsonType]] = {}
    for path, leaf in leaves(value):
        found = types.setdefault(path, set())
        if leaf is not None:
            found.add(_TYPE_OF.get(type(leaf), "object"))
    return tuple(SchemaField(path, frozenset(found), required=False) for path, found in types.items() if path)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a value with its path, in order."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, _join(path, name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value


def values_at(value: Any, path: str) -> list[Any]:
    """Every value that a path reaches, in order; none when it reaches nothing."""
    reached = [value]
    for part in path.split("."):
        name = part.rstrip("[]")
        if name:
            reached = [item[name] for item in reached if isinstance(item, Mapping) and name in item]
        for _ in range(part.count("[]")):
            reached = [element for item in reached if isinstance(item, list | tuple) for element in item]
    return reached


def put_at(target: dict[str, Any], path: str, values: Sequence[Any]) -> None:
    """Put values where a path leads, making what lies between: all of them for a list, otherwise the first."""
    name, dot, rest = path.partition(".")
    key, depth = name.rstrip("[]"), name.count("[]")
    if not dot:
        target[key] = list(values) if depth else values[0]
        return
    inner = target.setdefault(key, [{}] if depth else {})
    put_at(inner[0] if depth else inner, rest, values)


def _walk(
    schema: Mapping[str, Any], path: str, *, required: bool, root: Mapping[str, Any], depth: int
) -> Iterator[SchemaField]:
    options, nullable = _options(schema, root)
    if depth > _DEPTH:
        return
    leaf_types: set[JsonType] = set()
    form: Mapping[str, Any] = {}
    for option in options:
        if properties := option.get("properties"):
            needed = option.get("required", ())
            for name, inner in properties.items():
                below = required and name in needed and not nullable
                yield from _walk(inner, _join(path, name), required=below, root=root, depth=depth + 1)
        elif isinstance(items := option.get("items"), Mapping):
            yield from _walk(items, f"{path}[]", required=required, root=root, depth=depth + 1)
        else:
            leaf_types |= _types(option)
            form = form or {**option, **{key: schema[key] for key in ("description", "default") if key in schema}}
    if path and (leaf_types or not any("properties" in option or "items" in option for option in options)):
        yield SchemaField(path, frozenset(leaf_types), required, str(schema.get("description", "")), form)


def _options(schema: Mapping[str, Any], root: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], bool]:
    """The plain schemas that a schema stands for, and whether null is one of them."""
    queue, plain, nullable = [schema], [], False
    for _ in range(64):
        if not queue:
            break
        option = queue.pop(0)
        if not isinstance(option, Mapping):
            continue
        if (reference := option.get("$ref")) is not None:
            queue.append(_follow(str(reference), root))
        elif inner := option.get("anyOf") or option.get("oneOf"):
            queue += inner
        elif len(option.get("allOf", ())) == 1:
            queue += option["allOf"]
        elif option.get("type") == "null":
            nullable = True
        else:
            plain.append(option)
    return plain, nullable


def _follow(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    node: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        node = node.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(node, Mapping) else {}
    return node if isinstance(node, Mapping) else {}


def _types(schema: Mapping[str, Any]) -> set[JsonType]:
    if isinstance(declared := schema.get("type"), str):
        return {declared}
    if isinstance(declared, list):
        return {str(name) for name in declared if name != "null"}
    constants = [schema["const"]] if "const" in schema else schema.get("enum", ())
    return {_TYPE_OF.get(type(constant), "object") for constant in constants if constant is not None}


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
