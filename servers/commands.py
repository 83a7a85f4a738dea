"""The servers' commands: `envfactory serve` is `python -m servers`, and `envfactory run X` is `python -m servers.X`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any

import typer

from servers.runtime import standalone
from servers.runtime.discovery import discover, pick
from servers.runtime.errors import ServerError
from servers.runtime.farm.plan import Plan
from servers.runtime.farm.serving import serve_alone, serve_crew

ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  recognised, not bound to
_SERVING, _EPISODES, _LIMITS = "Workers and logs", "Keeping episodes", "Limits (0 for none)"

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")]
Port = Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="Port to listen on; 0 for any free one.")]
Token = Annotated[
    str | None,
    typer.Option(envvar="ENVFACTORY_TOKEN", help="Token of the control plane; made and printed when left out."),
]
Sandboxes = Annotated[bool, typer.Option(help="Offer a shared episode of each environment at /{env}/mcp.")]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(help="A further name by which this server may be called (repeat for more; * for every one)."),
]


def _option(panel: str, text: str, **more: Any) -> Any:
    return typer.Option(rich_help_panel=panel, help=text, **more)


WorkerCount = Annotated[
    int, _option(_SERVING, "Processes, each with a port of its own after this one's.", min=1, max=64)
]
WorkerName = Annotated[str, _option(_SERVING, "What workers are called, before their number; differs by host.")]
PublicUrl = Annotated[
    str | None, _option(_SERVING, "Address of a worker behind a proxy, such as https://farm.example/{worker}.")
]
AccessLog = Annotated[Path | None, _option(_SERVING, "File for a line of JSON a request; - for the screen.")]
HotPath = Annotated[bool, _option(_SERVING, "Answer plain tool calls without FastMCP, but as it would.")]
Durable = Annotated[Path | None, _option(_EPISODES, "Folder to keep episodes in, over restarts and kills.")]
Parking = Annotated[Path | None, _option(_EPISODES, "Folder for idle episodes when memory runs short (temporary).")]
Memory = Annotated[int, _option(_EPISODES, "MiB that episodes may take before idle ones leave memory.", min=1)]
Idle = Annotated[float, _option(_EPISODES, "Minutes after which unused episodes are closed.", min=0.01)]
Episodes = Annotated[int, _option(_LIMITS, "Open episodes.", min=1)]
Requests = Annotated[int, _option(_LIMITS, "Requests under way.", min=1)]
Rows = Annotated[int, _option(_LIMITS, "Rows of one environment in an episode.", min=0)]
StateMib = Annotated[int, _option(_LIMITS, "MiB of one environment in an episode.", min=0)]
CallSeconds = Annotated[float, _option(_LIMITS, "Seconds that the SQL of a call may run.", min=0)]
Calls = Annotated[int, _option(_LIMITS, "Calls of an episode.", min=0)]
Snapshots = Annotated[int, _option(_LIMITS, "Snapshots that an episode keeps.", min=0)]


def serve(  # noqa: PLR0913 - a command's options
    *,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token: Token = None,
    sandbox: Sandboxes = True,
    allowed_host: AllowedHosts = None,
    workers: WorkerCount = 1,
    worker_name: WorkerName = "w",
    public_url: PublicUrl = None,
    access_log: AccessLog = None,
    hot_path: HotPath = True,
    durable: Durable = None,
    parking: Parking = None,
    memory: Memory = 2048,
    idle: Idle = 60.0,
    episodes: Episodes = 10_000,
    requests: Requests = 4096,
    rows: Rows = 200_000,
    state_mib: StateMib = 64,
    call_seconds: CallSeconds = 5.0,
    calls: Calls = 10_000,
    snapshots: Snapshots = 256,
) -> None:
    """Serve every environment, and episodes over them, on one HTTP port.

    Open an episode with POST /farm/open, and give the URL of its agent handle to an agent.

    To try it: python -m servers. For a training run: python -m servers --workers 4 --episodes 40000 --no-sandbox.
    To keep what agents did over restarts: python -m servers --durable episodes/. docs/farm.md tells the rest.
    """
    bound = () if host in ANYWHERE else (host,)
    limits = {"rows": rows, "state_mib": state_mib, "call_seconds": call_seconds, "calls": calls}
    limits |= {"episodes": episodes, "requests": requests, "snapshots": snapshots}
    places = {"durable": durable, "parking": parking, "access_log": access_log, "public_url": public_url}
    plan = Plan(
        sandbox=sandbox,
        hot=hot_path,
        allowed_hosts=(*bound, *(allowed_host or ())),
        idle_minutes=idle,
        memory_mib=memory,
        **limits,
        **places,
    )
    names = tuple(f"{worker_name}{number + 1}" for number in range(workers))
    _serve(plan, (token or "").strip(), (host, port), names if workers > 1 or public_url is not None else ())


def _serve(plan: Plan, given: str, address: tuple[str, int], names: tuple[str, ...]) -> None:
    token = given or secrets.token_urlsafe(24)

    def tell(greeting: str) -> None:
        typer.echo(greeting)
        typer.echo(f"token           {'as given' if given else token}")

    try:
        if names:
            serve_crew(plan, token, address, names, tell)
        else:
            serve_alone(plan, token, address, tell)
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
