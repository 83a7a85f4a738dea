"""Meters: what a farm counts and times, as Prometheus reads it at /metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from servers.runtime.farm.store import Store
from servers.runtime.tool import Definition, Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0)


def _count(store: Store, place: str) -> float:
    return store.counts[place]


class Meters:
    """The meters of one farm, in a registry of their own."""

    def __init__(self, store: Store) -> None:
        self.registry = CollectorRegistry()
        for collector in (GCCollector, PlatformCollector, ProcessCollector):
            collector(registry=self.registry)
        self._calls = Counter(
            "envfactory_calls", "Tool calls.", ["environment", "tool", "outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            "envfactory_call_seconds", "Time of a tool call.", ["environment"], registry=self.registry, buckets=_SECONDS
        )
        self._requests = Counter("envfactory_requests", "HTTP requests.", ["route", "status"], registry=self.registry)
        self._control = Histogram(
            "envfactory_control_seconds",
            "Time of a function of the control plane.",
            ["function", "outcome"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._watch(store)
        self._call_cells: dict[tuple[str, str, str], tuple[Callable[[], None], Callable[[float], None]]] = {}
        self._request_cells: dict[tuple[str, int], Callable[[], None]] = {}

    def _watch(self, store: Store) -> None:
        episodes = Gauge("envfactory_episodes", "Open episodes, by where they are.", ["place"], registry=self.registry)
        for place in store.counts:
            episodes.labels(place).set_function(partial(_count, store, place))
        figures: Mapping[str, tuple[str, Callable[[], float]]] = {
            "envfactory_episode_bytes": ("Memory that open episodes take, as estimated.", lambda: store.memory),
            "envfactory_episodes_opened": ("Episodes opened since the start.", lambda: store.opened),
            "envfactory_episodes_expired": ("Episodes closed because nobody used them.", lambda: store.expired),
        }
        for name, (text, figure) in figures.items():
            Gauge(name, text, registry=self.registry).set_function(figure)

    def call(self, environment: str, definition: Definition, outcome: Outcome, seconds: float) -> None:
        """Count a tool call."""
        key = (environment, definition.name, outcome.refusal or ("error" if outcome.is_error else "result"))
        if (cells := self._call_cells.get(key)) is None:
            cells = (self._calls.labels(*key).inc, self._seconds.labels(environment).observe)
            self._call_cells[key] = cells
        cells[0]()
        cells[1](seconds)

    def request(self, route: str, status: int) -> None:
        """Count an HTTP request."""
        if (cell := self._request_cells.get((route, status))) is None:
            cell = self._request_cells[route, status] = self._requests.labels(route, str(status)).inc
        cell()

    def control(self, function: str, outcome: str, seconds: float) -> None:
        """Time a function of the control plane."""
        self._control.labels(function, outcome).observe(seconds)

    def text(self) -> bytes:
        """Give all meters in Prometheus' format."""
        return generate_latest(self.registry)
