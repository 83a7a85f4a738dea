"""The crew: the workers of a farm, and which of them an episode belongs to.

Each worker is a process with a port of its own, and the ids and handles of its episodes begin with its name, such as
`w1-`. So whoever has one knows where to ask, and nothing stands between: `open` gives the worker's URL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from servers.runtime.farm.fault import Fault

_OWNED = re.compile(r"(?P<worker>[a-z][a-z0-9]{0,15})-")
WORKER_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")


@dataclass(frozen=True)
class Crew:
    """The workers by name, seen from one process of the farm."""

    me: str = ""
    """The worker that this is; empty for a process that holds no worker's episodes."""
    ports: Mapping[str, int] = field(default_factory=dict)
    public_url: str | None = None
    """The address of a worker for the outside, with {worker} for its name; otherwise its port on the host asked for."""

    @property
    def prefix(self) -> str:
        """What the names of this worker's episodes begin with."""
        return f"{self.me}-" if self.me else ""

    def url(self, worker: str, asked: str) -> str | None:
        """Give the address of a worker for somebody who reached this farm by the host `asked`; None if it has none."""
        if self.public_url is not None:
            return self.public_url.replace("{worker}", worker).rstrip("/")
        port = self.ports.get(worker)
        return f"http://{_hostname(asked)}:{port}" if port is not None else None

    def owner(self, name: str) -> str | None:
        """Give the other worker that an id or handle names; None if it may be one of ours."""
        if not self.ports:
            return None
        named = _OWNED.match(name)
        if named is None or named["worker"] == self.me:
            return None
        return named["worker"] if named["worker"] in self.ports or self.public_url is not None else None

    def check(self, name: str, path: str, asked: str) -> None:
        """Raise a fault that names the right address, if the episode of that id or handle is another worker's."""
        if (owner := self.owner(name)) is not None and (url := self.url(owner, asked)) is not None:
            raise Fault(307, "elsewhere", f"This episode is at {url}; ask there.", {"location": url + path})

    def own_path(self, path: str) -> str:
        """Give a path without this worker's name before it, as a proxy may leave it."""
        mark = f"/{self.me}/"
        return path[len(mark) - 1 :] if self.me and path.startswith(mark) else path


def _hostname(host: str) -> str:
    """Give a Host header without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0] or "127.0.0.1"
