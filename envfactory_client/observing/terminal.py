"""How an observation looks on a terminal."""

from __future__ import annotations

from collections import Counter

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from envfactory_client.observing.observation import Agreement, Observation, ObservedParameter
from envfactory_client.observing.trials import TEST


def rendered(found: Observation) -> RenderableType:
    """Every parameter with its column and the evidence, the columns that several paths show, and the links."""
    parts: list[RenderableType] = [_parameters(found), Text()]
    shared = {name: paths for name, paths in found.columns.items() if len(paths) > 1}
    if shared:
        columns = Table("Column", "Is shown by", box=None, header_style="bold")
        for name, paths in shared.items():
            columns.add_row(Text(name, "cyan"), ", ".join(path for path in paths if path != name))
        parts += [columns, Text()]
    parts += [Text(line, "dim") for line in _summary(found)]
    if found.agreement is not None:
        parts += [Text(line) for line in _compared(found.agreement)]
    return Group(*parts)


def _parameters(found: Observation) -> Table:
    table = Table("Parameter", "Is of column", "Because", "Evidence", box=None, header_style="bold")
    for parameter in found.parameters:
        style = "" if parameter.column else "dim"
        sign = {"like": "part of ", None: ""}.get(parameter.operator, "")
        table.add_row(
            Text(f"{parameter.tool}({parameter.path})", style or "cyan"),
            Text(sign + (parameter.column or "-"), style),
            Text(parameter.why, style),
            Text(_evidence(parameter), style),
        )
    return table


def _evidence(parameter: ObservedParameter) -> str:
    counts = parameter.counts
    tried = (
        ("values", counts.successes, counts.values),
        ("others", counts.other_successes, counts.others),
        ("strangers", counts.control_successes, counts.controls),
    )
    words = [f"{successes}/{trials} {name}" for name, successes, trials in tried if trials]
    return ", ".join([*words, f"p={counts.chance:.1g}"]) if words else ""


def _summary(found: Observation) -> list[str]:
    by_evidence = Counter(link.evidence for link in found.graph.links if not link.echo)
    links = ", ".join(f"{count} {evidence}" for evidence, count in sorted(by_evidence.items())) or "none"
    lines = [f"{found.calls} calls of {len(found.successes)} tools. Links: {links}.", f"Test: {TEST}."]
    if unreached := [name for name, successes in found.successes.items() if not successes]:
        lines.append(f"Never gave a result: {', '.join(unreached)}; --given NAME=VALUE tells what only a person knows.")
    if found.left_alone:
        lines.append(f"Gave no answer and were left alone: {', '.join(found.left_alone)}.")
    if found.spent:
        lines.append("The bound of calls or time came first; --calls and --seconds move it.")
    return lines


def _compared(agreement: Agreement) -> list[str]:
    head = (
        f"Beside the {agreement.declared} links that the server declares: precision {agreement.precision:.3f}, "
        f"recall {agreement.recall:.3f} ({agreement.found} found, {agreement.right} of them declared)."
    )
    wrong = [f"  not declared: {link}" for link in agreement.wrong]
    return [head, *wrong, *(f"  not found: {link}" for link in agreement.missed)]
