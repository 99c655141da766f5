"""Answers from the data folder alone: what the bridge shows, and the command line without it.

Reads only. What is live (states, running curves) is laid over it by service.py.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from host_bridge import storage
from host_bridge.connector.backend import is_supported
from host_bridge.cursor import Ack, Cursors
from host_bridge.curves import Curves
from host_bridge.gateway.port import Records
from host_bridge.inbox import Inbox
from host_bridge.registry import Known, Registry
from host_bridge.settings import Settings
from host_bridge.views import BrewView, Curve, MachineView


class Reader:
    """Reading side of one data folder. Newest brews, cursors and open checkpoints are kept until
    `changed` is called, so that a thousand machines can be listed twice a second."""

    def __init__(
        self, settings: Settings, registry: Registry, cursors: Cursors, curves: Curves,
        records: Records,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._registry = registry
        self._cursors = cursors
        self._curves = curves
        self._records = records
        self._lock = threading.Lock()
        self._cached: tuple[dict[str, BrewView], dict[str, int], dict[str, Ack]] | None = None

    def changed(self) -> None:
        with self._lock:
            self._cached = None

    def _summaries(self) -> tuple[dict[str, BrewView], dict[str, int], dict[str, Ack]]:
        with self._lock:
            if self._cached is None:
                brews = {
                    brew.machine: brew for brew in self._with_curves(
                        list(self._records.last_brews().values())
                    )
                }  # fmt: skip
                self._cached = (
                    brews, self._records.open_checkpoints(), self._cursors.newest()
                )  # fmt: skip
            return self._cached

    def machines(self) -> list[MachineView]:
        return [self._view(known) for known in self._registry.machines()]

    def machine(self, machine: str) -> MachineView | None:
        known = self._registry.machine(machine)
        return None if known is None else self._view(known)

    def _view(self, known: Known) -> MachineView:
        brews, checkpoints, cursors = self._summaries()
        ack = cursors.get(known.machine)
        return MachineView(
            machine=known.machine,
            online=known.online,
            model=known.model,
            supported=is_supported(known.model),
            boot=known.boot,
            journal=None if ack is None else ack.journal,
            held_seq=None if ack is None or ack.seq < 0 else ack.seq,
            info=known.info,
            state=None,
            first_seen_ms=known.first_seen_ms,
            last_seen_ms=known.last_seen_ms,
            language=self._settings.language_of(known.machine),
            open_checkpoints=checkpoints.get(known.machine, 0),
            last_brew=brews.get(known.machine),
        )

    def brews(
        self, machine: str | None, limit: int, before: int | None, external_id: str | None = None
    ) -> list[BrewView]:
        return self._with_curves(self._records.brews(machine, limit, before, external_id))

    def _with_curves(self, brews: list[BrewView]) -> list[BrewView]:
        present = self._curves.present((brew.machine, brew.boot, brew.shot) for brew in brews)
        return [
            replace(brew, has_curve=True)
            if (brew.machine, brew.boot, brew.shot) in present
            else brew
            for brew in brews
        ]

    def curve(self, machine: str, boot: int, shot: int) -> Curve | None:
        return self._curves.curve(machine, boot, shot)


class Folder:
    """A data folder opened for reading, bridge running or not."""

    def __init__(self, settings: Settings) -> None:
        """Raises DatabaseError when no bridge has ever run there."""
        self._db = storage.open_bridge(settings.data, read_only=True)
        self.records = storage.open_store(settings.data, read_only=True)
        registry, cursors, curves = Registry(self._db), Cursors(self._db), Curves(self._db)
        self.registry = registry
        self.inbox = Inbox(self._db, settings.inbox)
        self.reader = Reader(settings, registry, cursors, curves, self.records)

    def close(self) -> None:
        self._db.close()
        self.records.close()
