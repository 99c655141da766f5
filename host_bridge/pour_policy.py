"""Pour a coffee when the ERP is busy for too long: the rule.

Busy is what a periodic probe of the gateway sees from outside (latency, failures) or what the ERP
says of itself. `PourPolicy` is pure; it is given every instant and reads no clock. Whether coffee
flows is the machine's word.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal

from host_bridge.settings import PourSettings

PourState = Literal["off", "idle", "busy", "episode", "poured"]
MISSED_PROBES: Final = 3
"""A longer silence than these (and a probe's timeout) proves nothing: "continuous" begins anew."""

WRONG_S: Final = 86_400.0
"""A pour that lies so far ahead was noted by a clock that was set back since."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One look at the ERP. `mono_s` never jumps; `local` is what the clock on the wall says."""

    mono_s: float
    local: datetime
    latency_ms: float | None
    """None: it failed."""
    busy_inside: bool = False
    """The ERP says that its own work does not get done."""


@dataclass(slots=True)
class PourMemory:
    """What must outlive a restart, or the bridge could be restarted into a second coffee, or out
    of a first one."""

    in_episode: bool = False
    poured: bool = False
    """In this episode."""
    last_pour: str | None = None
    """Local wall-clock time, ISO 8601."""
    day: str | None = None
    pours_today: int = 0
    busy_since: float | None = None
    busy_until: float | None = None
    """Unix times of the first and the last of the busy probes that go on without a break."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PourMemory:
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


class PourPolicy:
    """Continuous `enter_s` of busy probes begin an episode, continuous `leave_s` below half the
    threshold end it. One pour an episode, at most `per_day` a day, `cooldown_s` apart, in office
    hours. An episode that begins outside of them pours when they allow it, if the ERP has then
    been busy for `enter_s` without a break.
    """

    def __init__(self, settings: PourSettings, memory: PourMemory | None = None) -> None:
        self.settings = settings
        self.memory = memory or PourMemory()
        self._busy_since_s: float | None = None
        self._calm_since_s: float | None = None
        self._last_s: float | None = None

    @property
    def state(self) -> PourState:
        if not self.settings.enabled:
            return "off"
        if self.memory.in_episode:
            return "poured" if self.memory.poured else "episode"
        return "idle" if self._busy_since_s is None else "busy"

    def observe(self, probe: Probe) -> bool:
        """Takes one probe, in order of `mono_s`. True: pour now (it counts as poured)."""
        if not self.settings.enabled:
            return False
        self._track(probe)
        if not self.memory.in_episode and self._lasts(self._busy_since_s, probe, "enter_s"):
            self.memory.in_episode, self.memory.poured = True, False
        elif self.memory.in_episode and self._lasts(self._calm_since_s, probe, "leave_s"):
            self.memory.in_episode = False
        if not self._may_pour(probe):
            return False
        self.memory.poured = True
        self.memory.last_pour = probe.local.isoformat()
        self.memory.pours_today = self._pours_on(probe.local) + 1
        self.memory.day = probe.local.date().isoformat()
        return True

    def _track(self, probe: Probe) -> None:
        """Since when it has been busy, and calm, without a break."""
        settings = self.settings
        longest_s = MISSED_PROBES * settings.probe_every_s + settings.probe_timeout_s
        if self._last_s is None:
            self._take_up(probe, longest_s)
        elif probe.mono_s - self._last_s > longest_s:
            self._busy_since_s = self._calm_since_s = None
        self._last_s = probe.mono_s
        failed = probe.latency_ms is None
        slow = failed or (probe.latency_ms or 0.0) >= settings.threshold_ms
        quick = not failed and (probe.latency_ms or 0.0) < settings.threshold_ms / 2
        busy = slow or probe.busy_inside
        self._busy_since_s = _since(self._busy_since_s, busy, probe.mono_s)
        self._calm_since_s = _since(
            self._calm_since_s, quick and not probe.busy_inside, probe.mono_s
        )
        now = probe.local.timestamp()
        if self._busy_since_s is None:
            self.memory.busy_since = self.memory.busy_until = None
        else:
            self.memory.busy_since = now - (probe.mono_s - self._busy_since_s)
            self.memory.busy_until = now

    def _take_up(self, probe: Probe, longest_s: float) -> None:
        """The first probe of a process goes on where the last one ended, if that was just now."""
        memory, now = self.memory, probe.local.timestamp()
        if memory.busy_since is None or memory.busy_until is None:
            return
        if 0 <= now - memory.busy_until <= longest_s and memory.busy_since <= memory.busy_until:
            self._busy_since_s = probe.mono_s - (now - memory.busy_since)

    def _lasts(
        self, since_s: float | None, probe: Probe, wanted: Literal["enter_s", "leave_s"]
    ) -> bool:
        needed_s: float = getattr(self.settings, wanted)
        return since_s is not None and probe.mono_s - since_s >= needed_s

    def _may_pour(self, probe: Probe) -> bool:
        return (
            self.memory.in_episode
            and not self.memory.poured
            and self._lasts(self._busy_since_s, probe, "enter_s")
            and self._in_office_hours(probe.local)
            and self._cooled_down(probe.local)
            and self._pours_on(probe.local) < self.settings.per_day
        )

    def _in_office_hours(self, local: datetime) -> bool:
        settings = self.settings
        if local.isoweekday() not in settings.office_days:
            return False
        return settings.office_from <= local.time() < settings.office_to

    def _cooled_down(self, local: datetime) -> bool:
        if self.memory.last_pour is None:
            return True
        since_s = (local - datetime.fromisoformat(self.memory.last_pour)).total_seconds()
        return since_s >= self.settings.cooldown_s or since_s < -WRONG_S

    def _pours_on(self, local: datetime) -> int:
        same_day = self.memory.day == local.date().isoformat()
        return self.memory.pours_today if same_day else 0


def _since(since_s: float | None, holds: bool, now_s: float) -> float | None:
    if not holds:
        return None
    return now_s if since_s is None else since_s
