"""The servers' commands: `envfactory serve` is `python -m servers`, and `envfactory run X` is `python -m servers.X`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from servers.runtime import standalone
from servers.runtime.discovery import discover, pick
from servers.runtime.errors import ServerError
from servers.runtime.farm.plan import Plan
from servers.runtime.farm.serving import serve_alone, serve_crew

ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  recognised, not bound to
_SERVING, _EPISODES, _LIMITS = "Workers and logs", "Keeping episodes", "Limits (0 for none)"


def serve(  # noqa: PLR0913 - a command's options
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="PORT", min=0, max=65535, help="Port to listen on; 0 for any free one.")
    ] = 8000,
    token: Annotated[
        str | None,
        typer.Option(envvar="ENVFACTORY_TOKEN", help="Token of the control plane; made and printed when left out."),
    ] = None,
    sandbox: Annotated[bool, typer.Option(help="Offer a shared episode of each environment at /{env}/mcp.")] = True,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="A further name by which this server may be called (repeat for more; * for every one)."),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            max=64,
            rich_help_panel=_SERVING,
            help="Processes; each has a port after this one's, for its episodes.",
        ),
    ] = 1,
    worker_name: Annotated[
        str,
        typer.Option(rich_help_panel=_SERVING, help="What workers are called, before their number; differs by host."),
    ] = "w",
    public_url: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_SERVING,
            help="Address of a worker behind a proxy, such as https://farm.example/{worker}.",
        ),
    ] = None,
    access_log: Annotated[
        Path | None, typer.Option(rich_help_panel=_SERVING, help="File for a line of JSON a request; - for the screen.")
    ] = None,
    hot_path: Annotated[
        bool, typer.Option(rich_help_panel=_SERVING, help="Answer plain tool calls without FastMCP, but as it would.")
    ] = True,
    durable: Annotated[
        Path | None,
        typer.Option(rich_help_panel=_EPISODES, help="Folder to keep episodes in, over restarts and kills."),
    ] = None,
    parking: Annotated[
        Path | None,
        typer.Option(rich_help_panel=_EPISODES, help="Folder for idle episodes when memory runs short (temporary)."),
    ] = None,
    memory: Annotated[
        int,
        typer.Option(
            rich_help_panel=_EPISODES, min=1, help="MiB that episodes may take before idle ones leave memory."
        ),
    ] = 2048,
    idle: Annotated[
        float, typer.Option(rich_help_panel=_EPISODES, min=0.01, help="Minutes after which unused episodes are closed.")
    ] = 60.0,
    episodes: Annotated[int, typer.Option(rich_help_panel=_LIMITS, min=1, help="Open episodes.")] = 10_000,
    rows: Annotated[int, typer.Option(rich_help_panel=_LIMITS, min=0, help="Rows of a state.")] = 200_000,
    state_mib: Annotated[int, typer.Option(rich_help_panel=_LIMITS, min=0, help="MiB of a state.")] = 64,
    call_seconds: Annotated[float, typer.Option(rich_help_panel=_LIMITS, min=0, help="Seconds of a call.")] = 5.0,
    calls: Annotated[int, typer.Option(rich_help_panel=_LIMITS, min=0, help="Calls of an episode.")] = 10_000,
    snapshots: Annotated[int, typer.Option(rich_help_panel=_LIMITS, min=0, help="Snapshots of an episode.")] = 256,
    requests: Annotated[int, typer.Option(rich_help_panel=_LIMITS, min=1, help="Requests under way.")] = 4096,
) -> None:
    """Serve every environment, and episodes over them, on one HTTP port.

    Open an episode with POST /farm/open, and give the URL of its agent handle to an agent. docs/farm.md tells the rest.
    """
    secret = (token or "").strip() or secrets.token_urlsafe(24)
    bound = () if host in ANYWHERE else (host,)
    plan = Plan(
        sandbox=sandbox,
        hot=hot_path,
        allowed_hosts=(*bound, *(allowed_host or ())),
        episodes=episodes,
        idle_minutes=idle,
        memory_mib=memory,
        rows=rows,
        state_mib=state_mib,
        call_seconds=call_seconds,
        calls=calls,
        snapshots=snapshots,
        requests=requests,
        parking=parking,
        durable=durable,
        access_log=access_log,
        public_url=public_url,
    )

    def tell(greeting: str) -> None:
        typer.echo(greeting)
        typer.echo(f"token           {'as given' if (token or '').strip() else secret}")

    try:
        if workers == 1 and public_url is None:
            serve_alone(plan, secret, (host, port), tell)
        else:
            names = tuple(f"{worker_name}{number + 1}" for number in range(workers))
            serve_crew(plan, secret, (host, port), names, tell)
    except ServerError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def run(  # noqa: PLR0913 - a command's options
    environment: Annotated[str, typer.Argument(help="The environment's name, such as airline.")],
    *,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the world (0 unless given).")] = None,
    size: Annotated[str | None, typer.Option(help="small, medium or large (small unless given).")] = None,
    db: Annotated[Path | None, typer.Option(help="Keep the state in this file (SQLite); made if absent.")] = None,
    http: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Serve over HTTP instead of stdio.")] = None,
    scenario: Annotated[
        Path | None, typer.Option(help="Start from the rows in this file: {table: [row, ...]}.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Whose tools to offer: agent, user or both (unless given).")] = None,
) -> None:
    """Run one environment alone, over stdio or HTTP, as MCP clients start it."""
    try:
        chosen = pick(discover(), environment)
    except ServerError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    options = {"--seed": seed, "--size": size, "--db": db, "--http": http, "--scenario": scenario, "--actor": actor}
    standalone.run(chosen, [f"{name}={value}" for name, value in options.items() if value is not None])
