"""The gate: which Host and Origin headers may enter, and who holds the control plane's token.

A web page can make a browser call a server on the same machine under any name (DNS rebinding), so names that
nobody allowed are turned away, and so are pages from other origins.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit

from servers.runtime.errors import InvalidRequest
from servers.runtime.farm.fault import Fault
from servers.runtime.farm.wire import Scope, header, headers_of

_REMEMBERED = 1024
"""How many pairs of Host and Origin that came in are known again at once."""
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


class Gate:
    """Decides by headers alone; `*` among the allowed hosts lets every name in."""

    def __init__(self, allowed_hosts: Iterable[str], token: str) -> None:
        self._hosts = frozenset(_bare(host) for host in (*LOCAL_HOSTS, *allowed_hosts))
        self._admitted: set[tuple[bytes | None, bytes | None]] = set()
        self._token = token.strip().encode()
        if not self._token:  # or "Authorization: Bearer" alone would open the control plane
            raise InvalidRequest("The token of the control plane is empty; choose one that can't be guessed.")

    def check_names(self, scope: Scope) -> None:
        """Raise a fault unless Host, and Origin where there is one, are allowed."""
        headers = headers_of(scope)
        names = (headers.get(b"host"), headers.get(b"origin"))
        if names in self._admitted:
            return
        self._check(scope)
        if len(self._admitted) < _REMEMBERED:
            self._admitted.add(names)

    def _check(self, scope: Scope) -> None:
        host = header(scope, b"host") or ""
        if not self._allowed(_bare(host)):
            message = f"The host {host!r} is not served here; start the server with --allowed-host {_bare(host)}."
            raise Fault(421, "host_not_allowed", message)
        origin = header(scope, b"origin")
        if origin is not None and not self._allowed(_origin_host(origin)):
            raise Fault(
                403,
                "origin_not_allowed",
                f"Pages from {origin} may not call this server; start it with --allowed-host to admit them.",
            )

    def check_token(self, scope: Scope) -> None:
        """Raise a 401 fault unless the request carries the control plane's bearer token."""
        scheme, _, given = (header(scope, b"authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token):
            raise Fault(
                401,
                "unauthorized",
                "The control plane needs 'Authorization: Bearer TOKEN' with the token that this farm was started with.",
                {"www-authenticate": "Bearer"},
            )

    def _allowed(self, host: str) -> bool:
        return host in self._hosts or "*" in self._hosts


def _bare(host: str) -> str:
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _origin_host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""
