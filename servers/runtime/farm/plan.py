"""The plan of a farm: what its command line says, in a form that is handed on to workers."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TextIO

from pydantic import BaseModel

from servers.runtime.discovery import Loader
from servers.runtime.farm.app import FarmApp, Health, Options, create_app
from servers.runtime.farm.control import Forward
from servers.runtime.farm.crew import Crew
from servers.runtime.farm.limits import MIB, PAGES_OF_MIB, Limits
from servers.runtime.quota import Quota


class Plan(BaseModel):
    """How a farm is run; what is 0 is unlimited."""

    sandbox: bool = True
    hot: bool = True
    allowed_hosts: tuple[str, ...] = ()
    episodes: int = 10_000
    idle_minutes: float = 60.0
    memory_mib: int = 2048
    rows: int = 200_000
    state_mib: int = 64
    call_seconds: float = 5.0
    calls: int = 10_000
    snapshots: int = 256
    requests: int = 4096
    parking: Path | None = None
    durable: Path | None = None
    access_log: Path | None = None
    public_url: str | None = None
    ports: dict[str, int] = {}
    """The port of each worker."""
    environments: str | None = None
    """Other environments than those that are found: "module:name" of a mapping of loaders by name."""

    @property
    def limits(self) -> Limits:
        """The limits of a farm, or of one of its workers."""
        return Limits(
            episodes=-(-self.episodes // self._shares),
            idle_seconds=self.idle_minutes * 60,
            memory=self.memory_mib * MIB // self._shares,
            requests=self.requests,
            quota=Quota(
                rows=self.rows or None,
                pages=self.state_mib * PAGES_OF_MIB or None,
                call_seconds=self.call_seconds or None,
                calls=self.calls or None,
                snapshots=self.snapshots or None,
            ),
        )

    @property
    def _shares(self) -> int:
        """How many processes share what the farm may take."""
        return max(1, len(self.ports))

    def app(
        self,
        token: str,
        *,
        me: str = "",
        forward: Forward | None = None,
        health: Health | None = None,
        beside: AbstractAsyncContextManager[object] | None = None,
    ) -> FarmApp:
        """Give the app of the farm, or of the worker `me`, or of the front that forwards to workers."""
        options = Options(
            hot=self.hot,
            limits=self.limits,
            parking=self.parking,
            durable=self.durable / me if self.durable is not None and forward is None else None,
            crew=Crew(me, self.ports, self.public_url),
            access_log=self._log(),
            forward=forward,
            health=health,
            beside=beside,
        )
        sandbox = self.sandbox and not me  # the front has the one that all share
        return create_app(
            self._loaders(), token=token, sandbox=sandbox, allowed_hosts=self.allowed_hosts, options=options
        )

    def _log(self) -> TextIO | None:
        if self.access_log is None:
            return None
        return sys.stdout if str(self.access_log) == "-" else self.access_log.open("a", encoding="utf-8")

    def _loaders(self) -> Mapping[str, Loader] | None:
        if self.environments is None:
            return None
        module, _, name = self.environments.partition(":")
        loaders: Mapping[str, Loader] = getattr(importlib.import_module(module), name)
        return loaders
