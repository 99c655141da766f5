"""The bridge's figures for Prometheus. One registry a bridge, so that tests may run several.

Counters conserve: for every topic, matched = stored + duplicate + quarantined. No labels with
machine names: a thousand machines must not make a thousand series.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from host_bridge.inbox import Outcome

OUTCOMES: Final = ("stored", "duplicate", "quarantined")
LATENCY_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._matched = Counter(
            "coffee_matched", "Facts, and messages of other kinds, received from the broker",
            ["topic"], registry=self.registry,
        )  # fmt: skip
        self._outcome = Counter(
            "coffee_outcome",
            "What became of them: stored (new), duplicate (changed nothing) or quarantined",
            ["topic", "outcome"], registry=self.registry,
        )  # fmt: skip
        self.commit_s = Histogram(
            "coffee_ingest_commit_seconds", "Duration of a group commit into the inbox",
            buckets=LATENCY_S, registry=self.registry,
        )  # fmt: skip
        self.ingest_s = Histogram(
            "coffee_ingest_seconds", "From socket to disk, for the oldest message of a group",
            buckets=LATENCY_S, registry=self.registry,
        )  # fmt: skip
        self.imported = Counter(
            "coffee_imported", "Facts the store accepted", registry=self.registry
        )  # fmt: skip
        self.refused = Counter(
            "coffee_refused", "Facts the store refused for good", registry=self.registry
        )
        self.import_retries = Counter(
            "coffee_import_retries", "Import batches to be retried", registry=self.registry
        )
        self.live_dropped = Counter(
            "coffee_live_dropped", "QoS 0 messages dropped under load", registry=self.registry
        )
        self.connects = Counter(
            "coffee_mqtt_connects", "Connections made to the broker", registry=self.registry
        )
        self.commands = Counter(
            "coffee_commands", "Commands by outcome", ["state"], registry=self.registry
        )
        self.gateway_latency_s = Histogram(
            "coffee_gateway_probe_seconds", "Latency of the periodic probe of the store",
            buckets=LATENCY_S, registry=self.registry,
        )  # fmt: skip
        self._totals = Outcome()

    def count(self, topic: str, outcome: Outcome) -> None:
        self._matched.labels(topic).inc(outcome.matched)
        for name in OUTCOMES:
            self._outcome.labels(topic, name).inc(getattr(outcome, name))
        self._totals.add(outcome)

    @property
    def totals(self) -> dict[str, int]:
        """Over all topics, since the start."""
        found = {name: getattr(self._totals, name) for name in OUTCOMES}
        return {"matched": sum(found.values()), **found}

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge read when someone asks."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        return generate_latest(self.registry)
