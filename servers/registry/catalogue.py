"""The catalogue: the registry's entries, made from the environments' folders and nothing else.

No wall clock enters: an entry is dated by `released` in its manifest, or else by the day of the first release.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from servers.registry.server_json import (
    Entry,
    EntryMeta,
    Http,
    KeyValue,
    ListMeta,
    Named,
    Package,
    Positional,
    PublisherMeta,
    ServerJson,
    ServerList,
    Status,
    Stdio,
)
from servers.runtime import DefinitionError, Environment
from servers.runtime.verified import current_record, folder_digest

NAMESPACE = "io.github.envfactory"
DISTRIBUTION = "envfactory"
FIRST_RELEASE = date(2026, 11, 22)
COMMENT = "Generated from the environments' folders by `python -m servers.registry`; do not edit."


def server_list(environments: Mapping[str, Environment], *, package_version: str) -> ServerList:
    """Give the list with one entry for each environment, by name."""
    entries = tuple(_entry(environment, package_version) for _, environment in sorted(environments.items()))
    return ServerList(comment=COMMENT, servers=entries, metadata=ListMeta(count=len(entries)))


def released_version(pyproject: Path) -> str:
    """Give the version of the distribution that a checkout makes."""
    version: str = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["version"]
    return version


def _entry(environment: Environment, package_version: str) -> Entry:
    manifest = environment.manifest
    try:
        server = ServerJson(
            name=f"{NAMESPACE}/{manifest.name}",
            title=manifest.title,
            description=manifest.summary,
            version=manifest.version,
            packages=(_over_stdio(manifest.name, package_version), _over_http(manifest.name, package_version)),
            meta=PublisherMeta(provided=_provided(environment)),
        )
    except ValidationError as error:
        raise DefinitionError(f"{manifest.name} can't be listed: {error}") from error
    return Entry(server=server, meta=EntryMeta(official=_status(manifest.released or FIRST_RELEASE)))


def _over_stdio(name: str, version: str) -> Package:
    """Give the package that a client starts for itself: `uvx --with envfactory[farm]==V envfactory@V run NAME`.

    Clients put the package's own name between the two kinds of arguments, so neither `--from` nor `python -m` can be
    said here; `--with` adds the extra that serving needs.
    """
    return Package(
        registry_type="pypi",
        identifier=DISTRIBUTION,
        version=version,
        runtime_hint="uvx",
        transport=Stdio(),
        runtime_arguments=(_with_farm(version),),
        package_arguments=(Positional(value="run"), Positional(value=name), *_world_arguments()),
    )


def _over_http(name: str, version: str) -> Package:
    """Give the package that serves the whole farm on this machine: `uvx ... envfactory@V serve`, with PORT set."""
    return Package(
        registry_type="pypi",
        identifier=DISTRIBUTION,
        version=version,
        runtime_hint="uvx",
        transport=Http(url=f"http://127.0.0.1:{{PORT}}/{name}/mcp"),
        runtime_arguments=(_with_farm(version),),
        package_arguments=(Positional(value="serve"),),
        environment_variables=(
            KeyValue(name="PORT", description="Port that the farm listens on.", default="8000", format="number"),
        ),
    )


def _with_farm(version: str) -> Named:
    return Named(name="--with", value=f"{DISTRIBUTION}[farm]=={version}", description="What serving needs.")


def _world_arguments() -> tuple[Named, ...]:
    return (
        Named(
            name="--seed", default="0", format="number", description="Seed of the world that the state is drawn from."
        ),
        Named(
            name="--size", default="small", choices=("small", "medium", "large"), description="How much state there is."
        ),
    )


def _provided(environment: Environment) -> dict[str, Any]:
    contracts = [definition.contract for definition in environment.tools.values()]
    return {
        "domain": environment.manifest.domain,
        "toolCount": len(contracts),
        "writes": sum(contract.kind == "writes" for contract in contracts),
        "digest": folder_digest(environment.folder),
        "licence": environment.manifest.licence,
        "verification": verification(environment),
    }


def verification(environment: Environment) -> dict[str, Any]:
    """Give what an entry says of how the environment was verified; nothing good without a current record."""
    try:
        return current_record(environment.folder).summary()
    except DefinitionError:
        return {"verified": False}


def unverified(environments: Mapping[str, Environment]) -> list[str]:
    """Give a sentence for each environment whose record doesn't say that it was verified as it is now."""
    found = []
    for _, environment in sorted(environments.items()):
        try:
            record = current_record(environment.folder)
        except DefinitionError as error:
            found.append(str(error))
            continue
        if not record.verified:
            found.append(f"The record of '{environment.name}' doesn't say that it keeps its promises; verify it again.")
    return found


def _status(released: date) -> Status:
    moment = f"{released.isoformat()}T00:00:00Z"
    return Status(status="active", status_changed_at=moment, published_at=moment, updated_at=moment, is_latest=True)
