"""What is true right now, in memory only and bounded for each machine: status, state, curves.

A machine costs a few KiB: its last `state` byte for byte, a short history in one integer array,
and a curve only while a shot runs. No database and no MQTT here; times are passed in.
"""

from __future__ import annotations

import threading
from array import array
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from host_bridge.contract.messages import Shot, State, Status
from host_bridge.views import Curve, History

HISTORY_POINTS: Final = 180
HISTORY_EVERY_MS: Final = 5_000  # with one point each: the last 15 minutes
CURVE_SAMPLES: Final = 2_400  # a shot ends after 90 s; 240 s at 10 Hz is more than any
CLOCK_ASKED_MS: Final = 30_000
CLOCK_WRONG_MS: Final = 10_000
"""More than a message is ever under way; a machine so far off refuses orders as expired."""
SILENT_CURVE_MS: Final = 5_000
StatusEffect = Literal["new", "known", "stale"]
_ABSENT: Final = -(2**31)
_COLUMNS: Final = ("t_ms", "temp_mc", "flow_ul_s", "volume_ul", "duty_permille")
_OPTIONAL: Final = ("pressure_mbar", "weight_mg")


@dataclass(slots=True)
class RunningCurve:
    """Samples of one shot as they come; `holes` counts batches that did not."""

    boot: int
    shot: int
    next_part: int = 0
    holes: int = 0
    idle_since_ms: int | None = None
    """When the machine first said that no shot runs while `last` had not come."""
    columns: dict[str, array[int]] = field(default_factory=dict)

    def take(self, batch: Shot) -> bool:
        """False for a batch already seen."""
        if batch.part < self.next_part:
            return False
        self.holes += batch.part - self.next_part
        self.next_part = batch.part + 1
        room = CURVE_SAMPLES - len(self.columns.get("t_ms", ()))
        before = CURVE_SAMPLES - room
        for name in (*_COLUMNS, *_OPTIONAL):
            values = getattr(batch, name)
            if values is None and name in self.columns:
                values = [0] * len(batch.t_ms)  # a sensor that went away in the middle
            if values is None:
                continue
            column = self.columns.setdefault(name, array("i", [0] * before))
            column.extend(values[:room])
        if len(batch.t_ms) > room:
            self.holes += 1
        return True

    def curve(self, machine: str, finished: bool) -> Curve:
        def column(name: str) -> list[int] | None:
            return self.columns[name].tolist() if name in self.columns else None

        return Curve(
            machine=machine,
            boot=self.boot,
            shot=self.shot,
            finished=finished,
            complete=finished and self.holes == 0,
            t_ms=column("t_ms") or [],
            temp_mc=column("temp_mc") or [],
            flow_ul_s=column("flow_ul_s") or [],
            volume_ul=column("volume_ul") or [],
            duty_permille=column("duty_permille") or [],
            pressure_mbar=column("pressure_mbar"),
            weight_mg=column("weight_mg"),
        )


@dataclass(frozen=True, slots=True)
class StateEffect:
    """What a `state` message gave away besides itself."""

    came_online: bool = False
    clock_wanted: bool = False
    """The machine does not know the time, or believes a wrong one, and was not told it in the
    last half minute."""
    ended: Curve | None = None
    """A curve whose `last` batch never came."""


@dataclass(slots=True)
class LiveMachine:
    """One machine in memory."""

    online: bool = False
    boot: int | None = None
    last_seen_ms: int = 0
    state: bytes | None = None
    state_ms: int | None = None
    clock_known: bool | None = None
    clock_asked_ms: int | None = None
    offset_ms: int | None = None
    """UTC at the current boot's uptime 0, told by live messages; None when none came yet."""
    curve: RunningCurve | None = None
    history_from_ms: int = 0
    history: array[int] = field(default_factory=lambda: array("i"))


class Live:
    """Thread-safe; every method is short."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._machines: dict[str, LiveMachine] = {}

    def _of(self, machine: str) -> LiveMachine:
        return self._machines.setdefault(machine, LiveMachine())

    def restore(self, machine: str, boot: int | None, last_seen_ms: int) -> None:
        """A machine known from before this process; online only once it says so."""
        with self._lock:
            entry = self._of(machine)
            entry.boot, entry.last_seen_ms = boot, last_seen_ms

    def seen(self, machine: str, now_ms: int, heard: bool = True) -> None:
        """Not `heard`: it was kept somewhere, which counts for a machine never heard of."""
        with self._lock:
            entry = self._of(machine)
            if heard or not entry.last_seen_ms:
                entry.last_seen_ms = now_ms

    def status(self, machine: str, status: Status) -> StatusEffect:
        """Takes a birth or a will. A will speaks for its own boot only: a late one is stale."""
        with self._lock:
            entry = self._of(machine)
            if not status.online and entry.boot is not None and status.boot < entry.boot:
                return "stale"
            known = (entry.online, entry.boot) == (status.online, status.boot)
            entry.online = status.online
            self._enter_boot(entry, status.boot)
            if not status.online:
                entry.offset_ms = None
            return "known" if known else "new"

    def state(
        self, machine: str, state: State, payload: bytes, now_ms: int, live: bool
    ) -> StateEffect:
        """Takes a state; `live` means sent just now: not retained, not from a backlog."""
        with self._lock:
            entry = self._of(machine)
            if not live and entry.state is not None:
                return StateEffect()
            came_online, ended = False, None
            if live:
                came_online = not (entry.online and entry.boot == state.boot)
                entry.online = True
                self._enter_boot(entry, state.boot)
                entry.offset_ms = now_ms - state.uptime_ms
                self._remember(entry, state, now_ms)
                ended = self._close_silent_curve(machine, entry, state, now_ms)
            wrong = state.utc_ms is None or (
                live and abs(state.utc_ms - now_ms) > CLOCK_WRONG_MS
            )
            clock_wanted = wrong and (
                entry.clock_asked_ms is None
                or not 0 <= now_ms - entry.clock_asked_ms < CLOCK_ASKED_MS
            )
            if clock_wanted:
                entry.clock_asked_ms = now_ms
            entry.state, entry.state_ms = payload, now_ms
            entry.clock_known = state.utc_ms is not None
            return StateEffect(came_online, clock_wanted, ended)

    def _close_silent_curve(
        self, machine: str, entry: LiveMachine, state: State, now_ms: int
    ) -> Curve | None:
        running = entry.curve
        if running is None or (state.shot is not None and state.boot == running.boot):
            return None
        if running.idle_since_ms is None:  # the last batch may be just behind this state
            running.idle_since_ms = now_ms
        if now_ms - running.idle_since_ms < SILENT_CURVE_MS:
            return None
        running.holes += 1
        entry.curve = None
        return running.curve(machine, finished=True)

    def _enter_boot(self, entry: LiveMachine, boot: int) -> None:
        if entry.boot != boot:
            entry.boot = boot
            entry.offset_ms = None
            entry.clock_known = entry.clock_asked_ms = None

    def _remember(self, entry: LiveMachine, state: State, now_ms: int) -> None:
        points = entry.history
        if not points:
            entry.history_from_ms = now_ms
        since_ms = now_ms - entry.history_from_ms
        if points and 0 <= since_ms - points[-6] < HISTORY_EVERY_MS:
            return
        if not 0 <= since_ms < 2**31:  # after 24 days, or a clock set back: begin anew
            del points[:]
            entry.history_from_ms, since_ms = now_ms, 0
        absent = (state.steam_temp_mc is None, state.pressure_mbar is None)
        points.extend((
            since_ms, state.temp_mc, state.setpoint_mc,
            _ABSENT if absent[0] else state.steam_temp_mc or 0,
            _ABSENT if absent[1] else state.pressure_mbar or 0,
            state.duty_permille,
        ))  # fmt: skip
        del points[: -6 * HISTORY_POINTS]

    def shot(self, machine: str, batch: Shot) -> list[Curve]:
        """Takes a batch of a curve; returns the curves that ended by it (0, 1 or 2)."""
        ended = []
        with self._lock:
            entry = self._of(machine)
            running = entry.curve
            if running and (running.boot, running.shot) != (batch.boot, batch.shot):
                running.holes += 1  # its `last` never came
                ended.append(running.curve(machine, finished=True))
                running = None
            if running is None:
                running = entry.curve = RunningCurve(batch.boot, batch.shot)
            running.take(batch)
            if batch.last:
                ended.append(running.curve(machine, finished=True))
                entry.curve = None
        return ended

    def broker_forgot(self) -> None:
        """A broker that lost our session lost the wills too: who is there says so again."""
        with self._lock:
            for entry in self._machines.values():
                entry.online = False

    # --- questions
    def online(self, machine: str) -> bool:
        with self._lock:
            entry = self._machines.get(machine)
            return entry is not None and entry.online

    def offset_ms(self, machine: str, boot: int) -> int | None:
        """UTC at uptime 0 of that boot, when it is the current one and was heard live."""
        with self._lock:
            entry = self._machines.get(machine)
            return entry.offset_ms if entry and entry.boot == boot else None

    def snapshot(self, machine: str) -> LiveMachine:
        """A copy without curve and history, for views."""
        with self._lock:
            entry = self._machines.get(machine) or LiveMachine()
            return LiveMachine(
                entry.online, entry.boot, entry.last_seen_ms, entry.state, entry.state_ms,
                entry.clock_known, entry.clock_asked_ms, entry.offset_ms,
            )  # fmt: skip

    def curve(self, machine: str) -> Curve | None:
        with self._lock:
            entry = self._machines.get(machine)
            return entry.curve.curve(machine, False) if entry and entry.curve else None

    def history(self, machine: str) -> History:
        with self._lock:
            entry = self._machines.get(machine) or LiveMachine()
            points, from_ms = entry.history[:], entry.history_from_ms
        columns = [points[index::6].tolist() for index in range(6)]
        steam, pressure = (None if _ABSENT in columns[i] else columns[i] for i in (3, 4))
        return History(
            received_ms=[from_ms + since for since in columns[0]], temp_mc=columns[1],
            setpoint_mc=columns[2], steam_temp_mc=steam, pressure_mbar=pressure,
            duty_permille=columns[5],
        )  # fmt: skip

    def heard(self) -> list[tuple[str, bool, int, bytes | None]]:
        """(machine, online, last seen, last state) of all that were heard of."""
        with self._lock:
            return [
                (name, entry.online, entry.last_seen_ms, entry.state)
                for name, entry in self._machines.items()
            ]

    def count_online(self) -> int:
        with self._lock:
            return sum(entry.online for entry in self._machines.values())

    def online_machines(self) -> list[str]:
        with self._lock:
            return [name for name, entry in self._machines.items() if entry.online]

    def boot_of(self, machine: str) -> int | None:
        """The number of its present boot; None: it has not said."""
        with self._lock:
            entry = self._machines.get(machine)
            return entry.boot if entry else None


def as_published(payload: bytes | None) -> dict[str, Any] | None:
    """A stored message as the machine sent it."""
    return None if payload is None else msgspec.json.decode(payload, type=dict[str, Any])
