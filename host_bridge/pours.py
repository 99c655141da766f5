"""Which machines pour when the ERP is busy: one rule each, fed with what is seen from outside and
what the ERP says of itself. Settings the ERP gives for a machine come before the file's.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog
from pydantic import ValidationError

from host_bridge.gateway.port import BusySigns
from host_bridge.keeper import Keeper
from host_bridge.pour_policy import MISSED_PROBES, PourMemory, PourPolicy, PourState, Probe
from host_bridge.settings import PourSettings

log = structlog.get_logger(__name__)
MEMORY: Final = "pour"
FROM_ERP: Final = "pour_settings"
STATES: Final[tuple[PourState, ...]] = ("off", "idle", "busy", "episode", "poured")
_OF_THE_BRIDGE: Final = {"machine", "probe_every_s", "probe_timeout_s"}


class Pours:
    """`told` and `probed` may come from different threads. Memory and the ERP's settings survive a
    restart, also one while the ERP hangs."""

    def __init__(self, settings: PourSettings, keeper: Keeper) -> None:
        self._file = settings
        self._keeper = keeper
        self._lock = threading.Lock()
        self._policies: dict[str, PourPolicy] = {}
        self._signs: BusySigns | None = None
        self._signs_s = 0.0
        self._from_erp: dict[str, dict[str, Any]] = {}
        self.problems: list[str] = []
        kept = keeper.get(MEMORY) or {}
        if "in_episode" in kept:  # of a bridge that knew one machine only
            kept = {settings.machine or "": kept}
        self._memory: dict[str, dict[str, Any]] = kept
        self._configure(keeper.get(FROM_ERP) or {})

    @property
    def state(self) -> PourState:
        """Of the machine that is furthest."""
        with self._lock:
            return max((p.state for p in self._policies.values()), key=STATES.index, default="off")

    def told(self, signs: BusySigns, mono_s: float) -> None:
        """What the ERP says of itself."""
        settings = {
            machine: {name: value for name, value in given.items() if name != "busy"}
            for machine, given in signs.settings.items()
        }
        with self._lock:
            self._signs, self._signs_s = signs, mono_s
            if settings != self._from_erp:
                self._keeper.put(FROM_ERP, settings)
                self._configure(settings)

    def probed(self, latency_ms: float | None, mono_s: float, now: datetime) -> list[PourSettings]:
        """One probe from outside (None: it failed). Returns whom to let pour; they are remembered
        as having poured."""
        due = []
        with self._lock:
            for machine, policy in self._policies.items():
                zone = policy.settings.timezone
                local = now.astimezone(ZoneInfo(zone) if zone else None)
                probe = Probe(mono_s, local, latency_ms, self._busy_inside(machine, mono_s))
                if policy.observe(probe):
                    due.append(policy.settings)
            self._remember()
        return due

    def _busy_inside(self, machine: str, mono_s: float) -> bool:
        """An old answer proves nothing: then only the probe counts."""
        fresh_s = MISSED_PROBES * self._file.probe_every_s
        if self._signs is None or mono_s - self._signs_s > fresh_s:
            return False
        return bool(self._signs.settings.get(machine, {}).get("busy", self._signs.busy))

    def _remember(self) -> None:
        memory = {machine: policy.memory.as_dict() for machine, policy in self._policies.items()}
        if any(self._memory.get(machine) != now for machine, now in memory.items()):
            self._memory = {**self._memory, **memory}
            self._keeper.put(MEMORY, self._memory)

    def _configure(self, from_erp: dict[str, dict[str, Any]]) -> None:
        self._from_erp = from_erp
        self.problems = []
        own = [self._file.machine] if self._file.machine else []
        for machine in {*from_erp, *self._policies, *own}:
            settings = self._settings_of(machine, from_erp.get(machine, {}))
            if machine in self._policies:
                self._policies[machine].settings = settings
            else:
                memory = PourMemory.from_dict(self._memory.get(machine, {}))
                self._policies[machine] = PourPolicy(settings, memory)

    def _settings_of(self, machine: str, given: dict[str, Any]) -> PourSettings:
        """The file's (for its own machine), overridden field by field; unusable ones are named and
        leave the file's standing."""
        own = machine == self._file.machine
        base = {**self._file.model_dump(), "machine": machine,
                "enabled": self._file.enabled and own}  # fmt: skip
        wanted = {name: value for name, value in given.items() if name not in _OF_THE_BRIDGE}
        try:
            return PourSettings.model_validate({**base, **wanted})
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_input=False):
                field = ".".join(map(str, problem["loc"])) or "settings"
                what = problem["msg"].removeprefix("Value error, ")
                text = f"pour of {machine}: {field}: {what}; correct it in the ERP"
                self.problems.append(text)
                log.warning("pour_settings_refused", machine=machine, problem=text)
            return PourSettings.model_validate(base)


def utc_now() -> datetime:
    return datetime.now(UTC)
