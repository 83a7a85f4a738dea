"""The command `envfactory`: list, call, explore, graph, sample, replay, show and install, and what other packages add.

Commands of other packages are found by the entry point group `envfactory.commands`. Output for people goes through
rich; with --json every command prints one JSON value. A failure prints one sentence and exits with 1.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from typer.core import TyperGroup

from envfactory_client import console
from envfactory_client.card import command as card_command
from envfactory_client.dataset import Dataset, Line
from envfactory_client.episode import CallResult, Side
from envfactory_client.errors import (
    DatasetError,
    EnvFactoryError,
    MissingExtra,
    UnknownEnvironment,
    UnknownField,
    UnknownTool,
    did_you_mean,
)
from envfactory_client.explore import Exploration, explore
from envfactory_client.exports import command as export_command
from envfactory_client.farm import Farm, Size
from envfactory_client.graph import ToolGraph
from envfactory_client.install import command as install_command
from envfactory_client.observing import Observation
from envfactory_client.observing import command as observe_command
from envfactory_client.observing.command import kept, observation_of
from envfactory_client.plugins import plugin_command, plugins
from envfactory_client.replay import replay as replay_one
from envfactory_client.sampling import Bounds, chains, sample
from envfactory_client.score import command as score_command
from envfactory_client.tool import Tool
from envfactory_client.verify import command as verify_command

Format = Literal["table", "json", "dot", "mermaid"]
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9_]{1,19}")

FarmUrl = Annotated[
    str | None,
    typer.Option("--farm", envvar="ENVFACTORY_FARM", help="Address of a farm; without it, one inside this process."),
]
Token = Annotated[
    str | None, typer.Option("--token", envvar="ENVFACTORY_TOKEN", help="The token that the farm was started with.")
]
Observe = Annotated[
    bool, typer.Option("--observe", help="Call a foreign server's reads first, and find out what feeds what.")
]
Observed = Annotated[
    Path | None,
    typer.Option(help="What `envfactory observe --out` kept, or a JSON file of results by tool."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value, for machines.")]
Target = Annotated[
    list[str],
    typer.Argument(
        help="Environments, the URL of an MCP server, or after -- the command that starts one.", metavar="TARGET"
    ),
]


class _Commands(TyperGroup):
    """Our commands and those of installed packages; an error of ours is one sentence on stderr."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, ours first."""
        own = super().list_commands(ctx)
        return [*own, *sorted(name for name in plugins() if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, from the package that offers it."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or (plugin := plugins().get(cmd_name)) is None:
            return own
        return plugin_command(cmd_name, plugin)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what goes wrong on purpose ends with its sentence and exit code 1."""
        logging.getLogger("mcp").setLevel(logging.CRITICAL)  # what a server prints amiss isn't our user's business
        try:
            return super().invoke(ctx)
        except EnvFactoryError as error:
            Console(stderr=True).print(f"[red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Environments for tool-using agents: list and call them, explore any MCP server, replay trajectories.",
    epilog="Start with [cyan]envfactory list[/], then [cyan]envfactory explore airline[/].",
)


def main() -> None:
    """Run the command line."""
    app()


@app.command(name="list", epilog="Example: [cyan]envfactory list --farm http://localhost:8000[/]")
def list_environments(farm: FarmUrl = None, token: Token = None, as_json: AsJson = False) -> None:
    """List the environments of a farm."""

    async def run() -> None:
        async with _farm(farm, token) as opened:
            cards = await opened.environments()
            broken = await opened.broken()
        _show([card.model_dump() for card in cards], console.environments(cards), as_json)
        for reason in broken.values():
            Console(stderr=True).print(f"[yellow]warning:[/] {escape(reason)}", highlight=False, soft_wrap=True)

    asyncio.run(run())


@app.command(
    epilog="Examples: [cyan]envfactory call airline search_flights origin=BOS destination=DEN departs_on=2026-03-02[/] "
    "· [cyan]envfactory call library pay_fine member_id=M0001 amount_cents=100 --diff[/]"
)
def call(  # noqa: PLR0913, PLR0917 - a command's options
    environment: Annotated[str, typer.Argument(help="The environment.")],
    tool: Annotated[str, typer.Argument(help="The tool.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Arguments as name=value.", metavar="NAME=VALUE")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the fresh episode.")] = 0,
    size: Annotated[Size, typer.Option(help="Size of its world.")] = "small",
    episode: Annotated[str | None, typer.Option(help="Handle of an open episode, instead of a fresh one.")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Print what the call changed as well.")] = False,
    farm: FarmUrl = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Call one tool in a fresh episode, or in an open one by its handle."""
    if diff and episode:
        raise typer.BadParameter("only a fresh episode can be compared; leave out --episode.", param_hint="--diff")

    async def run() -> CallResult:
        async with _farm(farm, token) as opened:
            if episode is not None:
                return await _call(opened.join(episode, environment), environment, tool, arguments or [])
            async with await opened.open(environment, seed=seed, size=size) as fresh:
                side = await _side_with(fresh.agent, fresh.user, environment, tool)
                result = await _call(side, environment, tool, arguments or [])
                if diff:
                    changes = (await fresh.diff()).to_json()
                    Console(stderr=True).print_json(json.dumps({"changes": changes}))
                return result

    result = asyncio.run(run())
    _print_result(result, as_json)
    if result.is_error:
        raise typer.Exit(1)


@app.command(
    name="explore",
    epilog="Examples: [cyan]envfactory explore airline[/] · [cyan]envfactory explore https://example.com/mcp[/] · "
    "[cyan]envfactory explore -- npx -y @modelcontextprotocol/server-memory[/]",
)
def explore_server(
    target: Target, observe: Observe = False, farm: FarmUrl = None, token: Token = None, as_json: AsJson = False
) -> None:
    """Show what servers offer: tools, their parameters, prompts and resources. Nothing is called unless --observe."""
    found = asyncio.run(_explorations(target, farm, token))
    if observe:
        seen = asyncio.run(observation_of(target))
        found = [one.model_copy(update={"tools": seen.typed(one.tools)}) for one in found]
    if as_json:
        print(
            json.dumps([one.to_json() for one in found] if len(found) > 1 else found[0].to_json(), ensure_ascii=False)
        )
        return
    for one in found:
        _out().print(console.exploration(one))


@app.command(
    name="graph",
    epilog="Examples: [cyan]envfactory graph airline[/] · [cyan]envfactory graph airline schedule --format mermaid[/] "
    "· [cyan]envfactory graph --format dot -- npx -y @modelcontextprotocol/server-memory[/]",
)
def show_graph(  # noqa: PLR0913, PLR0917 - a command's options
    target: Target,
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = "table",
    observe: Observe = False,
    observed: Observed = None,
    echoes: Annotated[bool, typer.Option("--echoes", help="Show links that only give an argument back.")] = False,
    farm: FarmUrl = None,
    token: Token = None,
) -> None:
    """Show which results can fill which arguments."""
    found = _graph(target, _Seen(observe, observed), farm, token)
    if form == "table":
        _out().print(console.graph(found, echoes=echoes))
    else:
        print({"json": _json_of, "dot": ToolGraph.to_dot, "mermaid": ToolGraph.to_mermaid}[form](found))


@app.command(
    name="sample",
    epilog="Examples: [cyan]envfactory sample airline --count 5[/] · "
    "[cyan]envfactory sample airline --goal airline.cancel_booking[/]",
)
def sample_chains(  # noqa: PLR0913, PLR0917 - a command's options
    target: Target,
    count: Annotated[int, typer.Option(min=1, help="How many chains.")] = 5,
    goal: Annotated[
        str | None, typer.Option(help="The tool that every chain ends in; without it, each in turn.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal chains.")] = 0,
    length: Annotated[int, typer.Option(min=1, help="Most tools in a chain.")] = 8,
    observe: Observe = False,
    observed: Observed = None,
    farm: FarmUrl = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Sample chains of tools in which links bring every value that tools can find.

    Nothing is called unless --observe.
    """
    found = _graph(target, _Seen(observe, observed), farm, token)
    bounds = Bounds(length=length)
    if goal is None:
        sampled = list(chains(found, count, seed=seed, bounds=bounds))
    else:
        sampled = [sample(found, goal, seed=seed + number, bounds=bounds) for number in range(count)]
    _show([asdict(chain) for chain in sampled], console.chains(sampled, found), as_json)


@app.command(
    epilog="Examples: [cyan]envfactory replay out/trajectories.jsonl[/] · "
    "[cyan]envfactory replay out/trajectories.jsonl --line 3 --json[/]"
)
def replay(  # noqa: PLR0913, PLR0917 - a command's options
    path: Annotated[Path, typer.Argument(help="A file of trajectories, one a line.")],
    line: Annotated[int | None, typer.Option(min=1, help="Only this line, counted from 1.")] = None,
    scenarios: Annotated[
        Path | None, typer.Option(help="Folder of starting rows; without it, 'scenarios' beside the file.")
    ] = None,
    farm: FarmUrl = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Make every call of a file's trajectories again and compare results and states."""
    dataset = Dataset(path)
    entries = [Line(line, dataset.line(line))] if line is not None else list(dataset.entries())
    report = asyncio.run(_replay(entries, scenarios or dataset.scenarios, _farm(farm, token), quiet=as_json))
    failed = sum(not entry["ok"] for entry in report)
    if as_json:
        print(json.dumps({"lines": report, "ok": not failed}, ensure_ascii=False))
    else:
        calls = sum(entry["calls"] for entry in report)
        verdict = f"[red]{failed} differ[/]" if failed else "[green]all as recorded[/]"
        _out().print(f"{_counted(len(report), 'trajectory')}, {_counted(calls, 'call')}: {verdict}.", highlight=False)
    if failed:
        raise typer.Exit(1)


@app.command(epilog="Example: [cyan]envfactory show out/trajectories.jsonl --line 3[/]")
def show(
    path: Annotated[Path, typer.Argument(help="A file of trajectories, one a line.")],
    line: Annotated[int, typer.Option(min=1, help="Which line, counted from 1.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Show one trajectory as a dialogue: user, calls, results, assistant, and what references stand for."""
    record = Dataset(path).line(line)
    if as_json:
        print(record.to_line())
    else:
        _out(width=110).print(console.trajectory(record))


def _out(width: int = 160) -> Console:
    """The console for results, wide when nobody's window limits it."""
    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else width)


def _farm(url: str | None, token: str | None) -> Farm:
    return Farm.embedded() if url is None else Farm(url, token=token)


def _show(value: Any, rendered: Any, as_json: bool) -> None:
    if as_json:
        print(json.dumps(value, ensure_ascii=False))
    else:
        _out().print(rendered)


def _json_of(found: ToolGraph) -> str:
    return json.dumps(found.to_json(), ensure_ascii=False)


def _print_result(result: CallResult, as_json: bool) -> None:
    if as_json:
        fields = {"text": result.text, "structured": result.structured}
        print(json.dumps({**fields, "is_error": result.is_error, "refusal": result.refusal}, ensure_ascii=False))
    elif result.is_error:
        word = "refused" if result.refusal else "error"
        Console(stderr=True).print(f"[yellow]{word}:[/] {escape(result.text)}", highlight=False, soft_wrap=True)
    elif result.structured is not None:
        _out().print_json(json.dumps(result.structured))
    else:
        print(result.text)


class _Seen(NamedTuple):
    """What a command is told to see of a foreign server: to observe it now, or what was kept in a file."""

    now: bool
    kept: Path | None


def _graph(target: Sequence[str], seen: _Seen, farm: str | None, token: str | None) -> ToolGraph:
    """The graph of what the words name, with what was or is observed."""
    if seen.now:
        return asyncio.run(observation_of(target)).graph
    tools = [tool for one in asyncio.run(_explorations(target, farm, token)) for tool in one.tools]
    if seen.kept is None:
        return ToolGraph.build(tools)
    found = kept(seen.kept)
    if isinstance(found, Observation):
        return ToolGraph.build(found.typed(tools), observed=found.samples)
    return ToolGraph.build(tools, observed=found)


async def _side_with(agent: Side, user: Side, environment: str, tool: str) -> Side:
    """The side of the actor whose tool it is."""
    return user if any(one.name == tool for one in await user.tools(environment)) else agent


async def _call(side: Side, environment: str, name: str, words: Sequence[str]) -> CallResult:
    tools = {tool.name: tool for tool in await side.tools(environment)}
    if (tool := tools.get(name)) is None:
        raise UnknownTool(f"'{environment}' has no tool '{name}'{did_you_mean(name, tools)}")
    return await side.call(environment, name, **_arguments(tool, words))


def _arguments(tool: Tool, words: Sequence[str]) -> dict[str, Any]:
    """The arguments in name=value words, each as the type that the tool's schema wants."""
    properties = tool.input_schema.get("properties", {})
    arguments = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise UnknownField(f"'{word}' isn't an argument; write name=value.")
        if name not in properties:
            raise UnknownField(f"'{tool.name}' has no parameter '{name}'{did_you_mean(name, properties)}")
        arguments[name] = _value(text, properties[name])
    return arguments


def _value(text: str, schema: Any) -> Any:
    """A word as a JSON value, unless the schema takes text; the server judges what doesn't fit."""
    types = {option.get("type") for option in (schema, *schema.get("anyOf", ()))}
    if "string" in types or (not types & {"integer", "number", "boolean", "array", "object"} and "$ref" not in schema):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return [part.strip() for part in text.split(",")] if "array" in types else text


async def _explorations(target: Sequence[str], url: str | None, token: str | None) -> list[Exploration]:
    """Explore the environments, the URL or the command that the words name."""
    if len(target) == 1 and target[0].startswith(("http://", "https://")):
        return [await explore(target[0])]
    if not all(_ENVIRONMENT.fullmatch(word) for word in target):
        return [await explore(list(target))]
    try:
        async with _farm(url, token) as farm:
            known = {card.name for card in await farm.environments()}
            if known.issuperset(target):
                return [await explore(farm, environment) for environment in target]
    except MissingExtra:
        if not shutil.which(target[0]):
            raise
        known = set()
    if shutil.which(target[0]):
        return [await explore(list(target))]
    name = next(word for word in target if word not in known)
    raise UnknownEnvironment(f"There is no environment '{name}'{did_you_mean(name, known)}", code="unknown_environment")


async def _replay(
    entries: Sequence[Line | DatasetError], scenarios: Path, farm: Farm, *, quiet: bool
) -> list[dict[str, Any]]:
    """Replay each line and report it as it ends."""
    out = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    report: list[dict[str, Any]] = []
    async with farm:
        with Progress(*columns, console=out, transient=True) as progress:
            task = progress.add_task("replaying", total=len(entries))
            for entry in entries:
                report.append(await _replay_entry(entry, scenarios, farm))
                if not quiet:
                    progress.console.print(_line_of_report(report[-1]), highlight=False, soft_wrap=True)
                progress.advance(task)
    return report


async def _replay_entry(entry: Line | DatasetError, scenarios: Path, farm: Farm) -> dict[str, Any]:
    if not isinstance(entry, Line):
        return {"line": getattr(entry, "line", None), "id": None, "ok": False, "calls": 0, "mismatches": [str(entry)]}
    result = await replay_one(entry.trajectory, farm, scenarios)
    fields: dict[str, Any] = {"line": entry.number, "id": result.trajectory, "ok": result.ok, "calls": result.calls}
    return {**fields, "from_rows": result.from_rows, "mismatches": result.mismatches}


def _line_of_report(entry: dict[str, Any]) -> str:
    mark = "[green]✓[/]" if entry["ok"] else "[red]✗[/]"
    rows = ", from stored rows" if entry.get("from_rows") else ""
    head = f"{mark} line {entry['line']}  {entry['id'] or '-'}  {_counted(entry['calls'], 'call')}{rows}"
    return "\n".join([head, *(f"    {escape(sentence)}" for sentence in entry["mismatches"])])


def _counted(number: int, noun: str) -> str:
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"


for part in (export_command, score_command, verify_command, card_command, install_command, observe_command):
    part.add_to(app)
if __name__ == "__main__":
    main()
