"""How values look on a terminal: as rich tables and panels, with nothing decided and nothing fetched here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from envfactory_client.explore import Exploration
from envfactory_client.farm import EnvironmentCard
from envfactory_client.graph import Evidence, ToolGraph, ToolNode
from envfactory_client.sampling import Binding, Chain, ChainStep
from envfactory_client.sampling.chain import LinkEnds
from envfactory_client.sampling.coverage import ends
from envfactory_client.tool import FieldContract, Tool
from envfactory_client.trajectory import Reference, Step, Trajectory

_LONGEST_RESULT = 240


def environments(cards: Sequence[EnvironmentCard]) -> RenderableType:
    """A table of environments."""
    table = Table("Environment", "Domain", "Tools", "Summary", box=None, header_style="bold")
    for card in cards:
        table.add_row(Text(card.name, "cyan"), card.domain, str(len(card.tools)), card.summary)
    return table


def exploration(found: Exploration) -> RenderableType:
    """What a server offers."""
    title = " ".join(part for part in (found.title or found.name, found.version) if part)
    parts: list[RenderableType] = [Text(f"{title} (MCP {found.protocol})", "bold")]
    if found.instructions:
        parts.append(Text(found.instructions, "dim"))
    table = Table(
        "Tool", "Kind", "Parameters (* required)", "What it does", box=None, header_style="bold", padding=(0, 1)
    )
    for tool in found.tools:
        table.add_row(Text(tool.name, "cyan"), _kind(tool), _parameters(tool), tool.description.partition("\n")[0])
    parts += [Text(), table, Text(), Text(_counts(found), "dim")]
    return Group(*parts)


def graph(found: ToolGraph, *, echoes: bool) -> RenderableType:
    """Every link, by the tool that needs the value."""
    table = Table("Needs", "Gets it from", "Evidence", box=None, header_style="bold")
    shown = [link for link in found.links if echoes or not link.echo]
    for link in sorted(shown, key=lambda link: (link.consumer, link.parameter, link.producer, link.path)):
        style = "dim" if link.echo else ""
        evidence = f"{link.evidence}: {link.key}" + (" (echo)" if link.echo else "")
        needs = Text(f"{link.consumer}({link.parameter})", style or "cyan")
        table.add_row(needs, Text(f"{link.producer}: {link.path}", style), Text(evidence, style))
    given = sum(len(list(_unlinked(found, node))) for node in found.tools)
    hidden = len(found.links) - len(shown)
    summary = f"{len(found.tools)} tools, {len(shown)} links"
    summary += f" ({hidden} that only echo an argument are hidden; --echoes shows them)" if hidden else ""
    summary += f"; {given} required parameters come from the user."
    return Group(table, Text(), Text(summary, "dim"))


def chains(sampled: Sequence[Chain], found: ToolGraph) -> RenderableType:
    """Chains, each step with where its arguments come from, and the evidence where that isn't declared."""
    evidence = {ends(link): link.evidence for link in found.links}
    parts: list[RenderableType] = []
    for number, chain in enumerate(sampled, start=1):
        parts.append(Text(f"Chain {number}", "bold"))
        for place, step in enumerate(chain.steps):
            arguments = ", ".join(_binding(binding, chain, step, evidence) for binding in step.bindings)
            parts.append(Text.assemble(f"  {place} ", (step.tool, "cyan"), f"({arguments})"))
    return Group(*parts)


def _binding(binding: Binding, chain: Chain, step: ChainStep, evidence: Mapping[LinkEnds, Evidence]) -> str:
    if binding.step is None or binding.path is None:
        return f"{binding.parameter}?"
    why = evidence[chain.steps[binding.step].tool, binding.path, step.tool, binding.parameter]
    said = "" if why == "declared" else f" [{why}]"
    return f"{binding.parameter} = {binding.step}: {binding.path}{said}"


def trajectory(record: Trajectory) -> RenderableType:
    """One trajectory as a dialogue that a person can read."""
    return Group(_heading(record), *_dialogue(record))


def _heading(record: Trajectory) -> RenderableType:
    names = ", ".join(f"{environment.name} {environment.version}" for environment in record.environments)
    world = record.world
    about = f"{names}; seed {world.seed}, {world.size}, starting at {world.now}"
    return Text.assemble((f"Trajectory {record.id}\n", "bold"), (about, "dim"))


def _dialogue(record: Trajectory) -> Iterator[RenderableType]:
    number = 0
    for turn_number, turn in enumerate(record.turns):
        yield Text()
        yield Panel(Text(turn.user), title="user", title_align="left", border_style="green")
        yield from (_reference(reference) for reference in record.references if reference.turn == turn_number)
        for step in turn.steps:
            yield _step(number, step)
            number += 1
        yield Panel(Text(turn.assistant), title="assistant", title_align="left", border_style="blue")
    if changes := _changes(record.reward.changes):
        yield Text(f"\nIn the end: {changes}.", "dim")


def _step(number: int, step: Step) -> RenderableType:
    arguments = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in step.arguments.items())
    side = " (user's side)" if step.actor == "user" else ""
    call = Text.assemble(f"  {number} ", (f"{step.environment}.{step.tool}", "cyan"), f"({arguments}){side}")
    if step.is_error:
        answer = Text(f"    ✗ {step.text}", "yellow" if step.refusal else "red")
    else:
        answer = Text(f"    → {shortened(step.result if step.text is None else step.text)}", "dim")
    return Group(call, answer)


def _reference(reference: Reference) -> RenderableType:
    found = reference.resolved_by
    where = f"; seen in step {found.step} at {found.path}" if found else ""
    denotes = f"{reference.table}.{reference.column} = {reference.value}"
    filled = f", step {reference.argument.step} {reference.argument.name}" if reference.argument else ""
    proof = f"{reference.kind}{filled}{where}"
    return Text.assemble(
        ("  “", "magenta"), (reference.text, "magenta"), (f"” is {denotes} ({proof})\n", "magenta"),
        (f"    proof: {' '.join(reference.sql.split())} {_bound(reference.parameters)}", "dim"),
    )  # fmt: skip


def _bound(parameters: Mapping[str, Any]) -> str:
    return json.dumps(dict(parameters), ensure_ascii=False) if parameters else ""


def shortened(value: Any) -> str:
    """A value as JSON that fits a few lines."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_RESULT else f"{text[:_LONGEST_RESULT]} … ({len(text)} characters)"


def _changes(changes: Mapping[str, Any]) -> str:
    words = []
    for environment, tables in changes.items():
        for table, change in tables.items():
            counts = ", ".join(f"{len(rows)} {kind}" for kind, rows in change.items() if rows)
            words += [f"{environment}.{table} {counts}"] if counts else []
    return "; ".join(words)


def _kind(tool: Tool) -> Text:
    words = "reads" if tool.read_only else "writes"
    if not tool.annotations and tool.contract is None:
        words = "?"
    user = " (user)" if tool.actor == "user" else ""
    return Text(words + user, "green" if words == "reads" else "yellow")


def _parameters(tool: Tool) -> Text:
    names = tool.input_schema.get("properties", {})
    return Text(", ".join((f"{name}*" if name in tool.required else name) + _seen(tool, name) for name in names))


def _seen(tool: Tool, name: str) -> str:
    """The column that a parameter was observed to be of."""
    if tool.contract is None or not tool.contract.observed:
        return ""
    field = tool.contract.parameters.get(name, FieldContract())
    column = field.key or (field.filter.column if field.filter else None)
    return f" ← {column} [{field.ground}]" if column else ""


def _counts(found: Exploration) -> str:
    def counted(entries: Iterable[Any], noun: str) -> str:
        number = len(list(entries))
        return f"{number} {noun}{'' if number == 1 else 's'}"

    templates = counted(found.resource_templates, "resource template")
    resources, prompts = counted(found.resources, "resource"), counted(found.prompts, "prompt")
    return f"{counted(found.tools, 'tool')}, {resources}, {templates}, {prompts}."


def _unlinked(found: ToolGraph, node: ToolNode) -> Iterator[str]:
    for parameter in node.parameters:
        if parameter.required and all(link.echo for link in found.producers(node.name, parameter.path)):
            yield parameter.path
