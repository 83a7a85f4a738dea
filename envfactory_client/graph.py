"""The tool graph: which outputs can fill which arguments, and why we think so.

Nodes are tools with their fields. A link leads from a result path to a parameter. Its evidence is "declared" when
both speak of the same key in their contracts. A server without contracts may have been observed: "observed" means that
the parameter answered to the values of this path, "inferred" that one end has its key by a name or a form alone. The
rest are links by "name": both ends have the same key-like name and JSON type, and nothing that was observed speaks
against it. The graph is a value: it is built from what `tools/list` says and what was observed, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from envfactory_client.errors import UnknownField, UnknownTool, did_you_mean
from envfactory_client.fields import SchemaField, schema_fields, value_fields
from envfactory_client.naming import key_names
from envfactory_client.tool import Actor, Contract, FieldContract, Frozen, Ground, Tool

Evidence = Literal["declared", "observed", "inferred", "name"]
_DECLARED: Evidence = "declared"
_SOLID: frozenset[Evidence] = frozenset(("declared", "observed"))
"""The evidence that is more than a guess."""
_DEFAULT = FieldContract()


class GraphField(Frozen):
    """A parameter or a result path of a tool."""

    path: str
    types: tuple[str, ...] = ()
    """JSON types without null, sorted; empty when the schema doesn't say."""
    required: bool = False
    key: str | None = None
    """The declared key: "airline:flights.flight_id", or a shared fact such as "person.email"."""
    shared: bool = False
    """Whether the key is a fact that the user may know as well."""
    column: str | None = None
    """The column that a result shows, or that a parameter filters by equality."""
    ground: Ground | None = None
    """What key and column rest on where they were observed."""


class ToolNode(Frozen):
    """A tool with its fields."""

    name: str
    """The full name, such as "airline.cancel_booking"."""
    actor: Actor = "agent"
    read_only: bool = False
    declared: bool = False
    """Whether the tool says itself what its fields are."""
    parameters: tuple[GraphField, ...] = ()
    outputs: tuple[GraphField, ...] = ()


class Link(Frozen):
    """An output that can fill an argument."""

    producer: str
    path: str
    consumer: str
    parameter: str
    key: str
    """What both ends are: the declared key, or the common name."""
    evidence: Evidence
    echo: bool = False
    """Whether the producer merely gives back an argument that it needs itself, so that it can't find the value."""

    def __str__(self) -> str:
        return f"{self.producer}:{self.path} -> {self.consumer}({self.parameter}) [{self.evidence} {self.key}]"


class ToolGraph(Frozen):
    """Tools and their links."""

    tools: tuple[ToolNode, ...]
    links: tuple[Link, ...]

    @classmethod
    def build(cls, tools: Iterable[Tool], *, observed: Mapping[str, Sequence[Any]] | None = None) -> ToolGraph:
        """The graph of these tools; `observed` results, by full tool name, stand in for missing output schemas."""
        seen = observed or {}
        nodes = tuple(_node(tool, seen.get(tool.full_name, ())) for tool in tools)
        links = (
            link
            for producer in nodes
            for consumer in nodes
            if producer.name != consumer.name
            for link in _links(producer, consumer)
        )
        return cls(tools=nodes, links=tuple(links))

    @cached_property
    def _nodes(self) -> Mapping[str, ToolNode]:
        return {node.name: node for node in self.tools}

    @cached_property
    def _by_parameter(self) -> Mapping[tuple[str, str], tuple[Link, ...]]:
        return _grouped(self.links, lambda link: (link.consumer, link.parameter))

    @cached_property
    def _by_path(self) -> Mapping[tuple[str, str], tuple[Link, ...]]:
        return _grouped(self.links, lambda link: (link.producer, link.path))

    def tool(self, name: str) -> ToolNode:
        """The tool of that full name."""
        if (node := self._nodes.get(name)) is None:
            raise UnknownTool(f"The graph has no tool '{name}'{did_you_mean(name, self._nodes)}")
        return node

    def producers(self, tool: str, parameter: str) -> tuple[Link, ...]:
        """The links that can fill a tool's parameter."""
        _known(parameter, self.tool(tool).parameters, f"'{tool}' has no parameter")
        return self._by_parameter.get((tool, parameter), ())

    def consumers(self, tool: str, path: str | None = None) -> tuple[Link, ...]:
        """The links that a tool's result path, or any of its paths, can fill."""
        if path is None:
            return tuple(
                link for field in self.tool(tool).outputs for link in self._by_path.get((tool, field.path), ())
            )
        _known(path, self.tool(tool).outputs, f"'{tool}' has no result path")
        return self._by_path.get((tool, path), ())

    def to_json(self) -> dict[str, Any]:
        """The graph as plain values; `ToolGraph.model_validate` reads them back."""
        return self.model_dump(mode="json")

    def to_dot(self) -> str:
        """The graph for Graphviz: boxes are reads, rounded boxes writes; dashed edges are by inference or by name."""
        lines = ["digraph tools {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
        for node in self.tools:
            style = "solid" if node.read_only else "rounded"
            lines.append(f"  {_quoted(node.name)} [shape=box, style={style}];")
        for (producer, consumer), links in self._edges.items():
            style = "solid" if any(link.evidence in _SOLID for link in links) else "dashed"
            label = "\\n".join(f"{link.path} → {link.parameter}" for link in links)
            edge = f"{_quoted(producer)} -> {_quoted(consumer)}"
            lines.append(f"  {edge} [label={_quoted(label)}, style={style}];")
        return "\n".join([*lines, "}"])

    def to_mermaid(self) -> str:
        """The graph for Mermaid, as Markdown pages show it."""
        ids = {node.name: f"t{number}" for number, node in enumerate(self.tools)}
        lines = ["flowchart LR"]
        for node in self.tools:
            left, right = ("[", "]") if node.read_only else ("([", "])")
            lines.append(f'  {ids[node.name]}{left}"{node.name}"{right}')
        for (producer, consumer), links in self._edges.items():
            arrow = "-->" if any(link.evidence in _SOLID for link in links) else "-.->"
            label = "<br/>".join(f"{link.path} → {link.parameter}" for link in links)
            lines.append(f'  {ids[producer]} {arrow}|"{label}"| {ids[consumer]}')
        return "\n".join(lines)

    @cached_property
    def _edges(self) -> Mapping[tuple[str, str], tuple[Link, ...]]:
        finding = (link for link in self.links if not link.echo)
        return _grouped(finding, lambda link: (link.producer, link.consumer))


def _quoted(text: str) -> str:
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def _grouped(links: Iterable[Link], key: Any) -> dict[tuple[str, str], tuple[Link, ...]]:
    groups: dict[tuple[str, str], list[Link]] = {}
    for link in links:
        groups.setdefault(key(link), []).append(link)
    return {name: tuple(members) for name, members in groups.items()}


def _known(path: str, fields: Sequence[GraphField], sentence: str) -> None:
    known = [field.path for field in fields]
    if path not in known:
        raise UnknownField(f"{sentence} '{path}'{did_you_mean(path, known)}")


def _node(tool: Tool, observed: Sequence[Any]) -> ToolNode:
    contract = tool.contract
    inputs = contract.parameters if contract else {}
    results = contract.results if contract else {}
    outputs = {field.path: field for value in observed for field in value_fields(value)}
    outputs |= {field.path: field for field in schema_fields(tool.output_schema or {})}
    outputs = {path: SchemaField(path, frozenset(), required=False) for path in _beyond(contract)} | outputs
    return ToolNode(
        name=tool.full_name,
        actor=tool.actor,
        read_only=tool.read_only or (contract is not None and contract.kind == "reads"),
        declared=contract is not None and not contract.observed,
        parameters=tuple(
            _field(tool.environment, field, inputs.get(field.path.removesuffix("[]"), _DEFAULT))
            for field in schema_fields(tool.input_schema)
        ),
        outputs=tuple(_field(tool.environment, field, results.get(field.path, _DEFAULT)) for field in outputs.values()),
    )


def _beyond(contract: Contract | None) -> Iterable[str]:
    """The result paths that were observed whether the schema has them or not."""
    return contract.results if contract is not None and contract.observed else ()


def _field(environment: str, field: SchemaField, contract: FieldContract) -> GraphField:
    equal = contract.filter.column if contract.filter and contract.filter.operator == "=" else None
    return GraphField(
        path=field.path,
        types=tuple(sorted(field.types)),
        required=field.required,
        key=contract.shared or (f"{environment}:{contract.key}" if contract.key else None),
        shared=contract.shared is not None,
        column=contract.shows or equal,
        ground=contract.ground,
    )


def _links(producer: ToolNode, consumer: ToolNode) -> Iterable[Link]:
    """The links from one tool to another: by contract if both have one, otherwise by what was seen or by name."""
    for parameter in consumer.parameters:
        for output in producer.outputs:
            if producer.declared and consumer.declared:
                key, evidence = _declared_key(output, parameter), _DECLARED
            else:
                key, evidence = _observed_key(output, parameter)
                if key is None and not _apart(output, parameter):
                    key, evidence = _common_name(producer, output, consumer, parameter), "name"
            if key is not None:
                yield Link(
                    producer=producer.name,
                    path=output.path,
                    consumer=consumer.name,
                    parameter=parameter.path,
                    key=key,
                    evidence=evidence,
                    echo=_echoes(producer, output, keyed=evidence != "name"),
                )


def _observed_key(output: GraphField, parameter: GraphField) -> tuple[str | None, Evidence]:
    """The key that both ends were observed to have, and whether they both were by more than name or form."""
    if output.ground is None or parameter.ground is None:
        return None, "name"
    seen = parameter.ground == "response" and output.ground in ("values", "echo")
    return _declared_key(output, parameter), "observed" if seen else "inferred"


def _apart(output: GraphField, parameter: GraphField) -> bool:
    """Whether both ends were observed to be different things."""
    if parameter.ground != "response" or output.ground != "values" or parameter.key is None:
        return False
    return output.column is not None and parameter.key.partition(":")[2] != output.column


def _declared_key(output: GraphField, parameter: GraphField) -> str | None:
    return output.key if output.key is not None and output.key == parameter.key else None


def _common_name(producer: ToolNode, output: GraphField, consumer: ToolNode, parameter: GraphField) -> str | None:
    """The key-like name that both fields have, if their JSON types agree and they are of one server."""
    if producer.name.partition(".")[0] != consumer.name.partition(".")[0] or not _fits(output, parameter):
        return None
    common = _names(producer, output) & _names(consumer, parameter)
    if not common:
        return None
    longest: tuple[str, ...] = max(common, key=_specificity)
    return "_".join(longest)


def _specificity(name: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    return len(name), name


def _names(node: ToolNode, field: GraphField) -> frozenset[tuple[str, ...]]:
    return key_names(node.name.partition(".")[2], field.path)


def _fits(output: GraphField, parameter: GraphField) -> bool:
    accepted = set(parameter.types) | ({"integer"} if "number" in parameter.types else set())
    return not output.types or not accepted or bool(accepted & set(output.types))


def _echoes(producer: ToolNode, output: GraphField, *, keyed: bool) -> bool:
    """Whether an output only repeats a required argument of the same call."""
    if output.ground == "echo":
        return True
    return any(_repeats(producer, output, parameter, keyed=keyed) for parameter in producer.parameters)


def _repeats(producer: ToolNode, output: GraphField, parameter: GraphField, *, keyed: bool) -> bool:
    if not parameter.required:
        return False
    if not keyed:
        return bool(_names(producer, output) & _names(producer, parameter))
    if parameter.key is None or parameter.key != output.key:
        return False
    same_column = parameter.column is not None and parameter.column == output.column
    return same_column or output.path.rpartition(".")[2] == parameter.path
