"""The servers' commands: `envfactory serve` is `python -m servers`, and `envfactory run X` is `python -m servers.X`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from servers.runtime import standalone
from servers.runtime.discovery import discover, pick
from servers.runtime.errors import InvalidRequest, ServerError
from servers.runtime.farm import FarmApp, create_app

KEEP_ALIVE_SECONDS = 120
ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  recognised, not bound to


def serve(
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
) -> None:
    """Serve every environment, and episodes over them, on one HTTP port.

    Open an episode with POST /farm/open, and give the URL of its agent handle to an agent.
    """
    try:
        listening = standalone.listen(host, port)
    except InvalidRequest as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    given = (token or "").strip()
    secret = given or secrets.token_urlsafe(24)
    bound = () if host in ANYWHERE else (host,)
    app = create_app(token=secret, sandbox=sandbox, allowed_hosts=(*bound, *(allowed_host or ())))
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{listening.getsockname()[1]}"
    typer.echo(_greeting(app, url, sandbox=sandbox))
    typer.echo("token           as given" if given else f"token           {secret}")
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_keep_alive=KEEP_ALIVE_SECONDS, server_header=False
    )
    uvicorn.Server(config).run(sockets=[listening])


def _greeting(app: FarmApp, url: str, *, sandbox: bool) -> str:
    lines = [
        f"EnvFactory farm at {url} (Ctrl+C ends it)",
        f"environments    {', '.join(app.names) or 'none'}",
        f"control plane   POST {url}/farm/{{function}}, MCP at {url}/farm/mcp",
        f"episodes        {url}/episodes/{{handle}}/mcp",
        f"registry        {url}/v0.1/servers",
    ]
    return "\n".join([*lines, f"sandboxes       {url}/{{env}}/mcp"] if sandbox else lines)


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
