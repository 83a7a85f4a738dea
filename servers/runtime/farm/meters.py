"""Meters: what a farm counts and times, as Prometheus reads it at /metrics.

Calls are counted in plain numbers, which are made into metrics only when somebody asks for them: a counter of the
library costs as much for each call as finding its tool does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from servers.runtime.farm.store import Store
from servers.runtime.tool import Definition, Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0)


@dataclass(slots=True)
class _Times:
    """How often something took how long."""

    total: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(_SECONDS) + 1))

    def add(self, seconds: float) -> None:
        self.total += seconds
        self.counts[bisect_left(_SECONDS, seconds)] += 1

    @property
    def buckets(self) -> list[tuple[str, float]]:
        limits = [*map(str, _SECONDS), "+Inf"]
        return list(zip(limits, accumulate(self.counts), strict=True))


class Meters(Collector):
    """The meters of one farm, in a registry of their own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._calls: Counter[tuple[str, str, str]] = Counter()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._times: dict[str, _Times] = {}
        self.registry = CollectorRegistry()
        for collector in (GCCollector, PlatformCollector, ProcessCollector):
            collector(registry=self.registry)
        self._control = Histogram(
            "envfactory_control_seconds",
            "Time of a function of the control plane.",
            ["function", "outcome"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.registry.register(self)

    def call(self, environment: str, definition: Definition, outcome: Outcome, seconds: float) -> None:
        """Count a tool call."""
        end = "result" if not outcome.is_error else outcome.refusal or "error"
        self._calls[environment, definition.name, end] += 1
        times = self._times.get(environment)
        if times is None:
            times = self._times[environment] = _Times()
        times.add(seconds)

    def request(self, route: str, status: int) -> None:
        """Count an HTTP request."""
        self._requests[route, status] += 1

    def control(self, function: str, outcome: str, seconds: float) -> None:
        """Time a function of the control plane."""
        self._control.labels(function, outcome).observe(seconds)

    def text(self) -> bytes:
        """Give all meters in Prometheus' format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """Give what was counted in plain numbers, and the state of the store."""
        calls = CounterMetricFamily("envfactory_calls", "Tool calls.", labels=["environment", "tool", "outcome"])
        for labels, count in self._calls.items():
            calls.add_metric(labels, count)
        yield calls
        times = HistogramMetricFamily("envfactory_call_seconds", "Time of a tool call.", labels=["environment"])
        for environment, seconds in self._times.items():
            times.add_metric([environment], buckets=seconds.buckets, sum_value=seconds.total)
        yield times
        requests = CounterMetricFamily("envfactory_requests", "HTTP requests.", labels=["route", "status"])
        for (route, status), count in self._requests.items():
            requests.add_metric([route, str(status)], count)
        yield requests
        yield from self._of_store()

    def _of_store(self) -> Iterator[Metric]:
        episodes = GaugeMetricFamily("envfactory_episodes", "Open episodes, by where they are.", labels=["place"])
        for place, count in self._store.counts.items():
            episodes.add_metric([place], count)
        yield episodes
        yield GaugeMetricFamily(
            "envfactory_episode_bytes", "Memory that open episodes take, as estimated.", value=self._store.memory
        )
        for name, text, figure in (
            ("envfactory_episodes_opened", "Episodes opened since the start.", self._store.opened),
            ("envfactory_episodes_expired", "Episodes closed because nobody used them.", self._store.expired),
        ):
            yield CounterMetricFamily(name, text, value=figure)
