"""A bridge without broker and machines, for looking at pages while drawing them:

    python -m tests.support.fake_bridge --port 8090

It invents believable data. No test uses it: tests run the real bridge.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from host_bridge import errors
from host_bridge.service import Bridge
from host_bridge.settings import Settings
from host_bridge.views import (
    AlarmView,
    BrewView,
    CheckpointView,
    CommandError,
    CommandView,
    Curve,
    HealthView,
    History,
    LiveView,
    MachineView,
    MeterView,
    QuarantineView,
    RecipesView,
)

JOURNAL = "9f3ac21b"
LIMITS: dict[str, dict[str, Any]] = {
    "1900": {"brew_mc": [80000, 98000], "volume_ul": [5000, 250000], "phases_max": 0,
             "slots": 16, "recipes_bytes": 4096},
    "2900": {"brew_mc": [80000, 98000], "steam_mc": [110000, 135000],
             "volume_ul": [5000, 250000], "weight_mg": [5000, 250000],
             "pressure_mbar": [0, 11000], "flow_ul_s": [0, 8000], "phases_max": 12,
             "slots": 16, "recipes_bytes": 4096},
}  # fmt: skip
CAPABILITIES = {
    "1900": ("brew", "hot_water", "clean", "preinfusion", "volumetric"),
    "2900": ("brew", "hot_water", "clean", "preinfusion", "volumetric", "steam", "profile",
             "weight", "grinder", "descale"),
}  # fmt: skip
COMMANDS = ("brew", "stop", "recipe.put", "recipe.delete", "setpoint", "clean", "standby",
            "wake", "alarm.ack", "identify", "config.put")  # fmt: skip
RECIPES: dict[str, dict[str, dict[str, Any]]] = {
    "1900": {
        "0": {"name": "Espresso", "temp_mc": 93000, "volume_ul": 36000, "preinfusion_ms": 3000},
        "1": {"name": "Lungo", "temp_mc": 92000, "volume_ul": 80000},
    },
    "2900": {
        "0": {"name": "Espresso 9 bar", "temp_mc": 93000, "stop": {"weight_mg": 36000},
              "phases": [
                  {"name": "fill", "flow_ul_s": 4000,
                   "exit": {"pressure_over_mbar": 3000, "time_ms": 6000}},
                  {"name": "soak", "pressure_mbar": 3000, "exit": {"time_ms": 5000}},
                  {"name": "extract", "pressure_mbar": 9000, "ramp_ms": 3000,
                   "limit_flow_ul_s": 4000, "exit": {"time_ms": 30000}}]},
        "1": {"name": "Lever", "temp_mc": 92000, "stop": {"volume_ul": 40000, "time_ms": 45000},
              "phases": [
                  {"name": "preinfuse", "pressure_mbar": 3000, "exit": {"time_ms": 8000}},
                  {"name": "peak", "pressure_mbar": 9000, "ramp_ms": 2000,
                   "exit": {"time_ms": 6000}},
                  {"name": "decline", "pressure_mbar": 4000, "ramp_ms": 18000,
                   "exit": {"time_ms": 20000}}]},
        "5": {"name": "Flow 2 ml/s", "temp_mc": 94000, "stop": {"weight_mg": 40000},
              "phases": [{"name": "pour", "flow_ul_s": 2000, "limit_pressure_mbar": 9500,
                          "exit": {"time_ms": 40000}}]},
    },
}  # fmt: skip


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def shot_curve(machine: str, model: str, shot: int, until_ms: int) -> Curve:
    rng = random.Random(shot)
    t_ms = list(range(0, min(until_ms, 28000), 100))
    pressure = [round(9000 / (1 + math.exp(-(t / 1000 - 9) * 1.2))) + rng.randrange(60)
                for t in t_ms]  # fmt: skip
    flow = [round(4000 * math.exp(-t / 6000) + p * 0.22)
            for t, p in zip(t_ms, pressure, strict=True)]  # fmt: skip
    volume = list(itertools.accumulate(f // 10 for f in flow))
    scaled = model == "2900"
    return Curve(
        machine, 17, shot, until_ms >= 28000, True, t_ms,
        [93000 + round(150 * math.sin(t / 4000)) + rng.randrange(-60, 60) for t in t_ms],
        flow, volume, [300 + rng.randrange(400) for _ in t_ms],
        pressure if scaled else None,
        [max(0, round((v - 14000) * 0.93)) for v in volume] if scaled else None,
    )  # fmt: skip


class FakeBridge(Bridge):
    def __init__(self, settings: Settings, extra: int = 0) -> None:
        super().__init__(settings)
        self._began = now_ms()
        self._names = {"sim-1900": "1900", "sim-2900": "2900"}
        self._names |= {f"shop-{i:04d}": ("1900", "2900")[i % 2] for i in range(extra)}
        self._commands: dict[str, CommandView] = {}
        self._shot_began: dict[str, int] = {}
        self._setpoint = dict.fromkeys(self._names, 93000)
        self._recipes = {m: dict(RECIPES[v]) for m, v in self._names.items()}
        self._reviews: dict[int, CheckpointView] = {
            1: CheckpointView(1, "sim-2900", "coffee.alarm", f"{JOURNAL}/41",
                              "tank_empty raised: fill the tank and push it home", "open",
                              self._began - 340_000, None, None, None),
            2: CheckpointView(2, "sim-1900", "coffee.backend", "sim-1900",
                              "facts 12 to 14 were lost: the journal was full", "open",
                              self._began - 7_200_000, None, None, None),
        }  # fmt: skip
        self._bad = [
            QuarantineView(7, "coffee/v1/sim-1900/journal", "sim-1900", None,
                           b'{"v":1,"journal":"9f3a\xff\xfe<script>alert(1)</script>', 52,
                           "payload is not UTF-8 at byte 22", self._began - 60_000, 3),
            QuarantineView(8, "coffee/v1/sim-2900/journal", "sim-2900", f"{JOURNAL}/44",
                           b'{"seq":44,"kind":"brew","slot":99}', 35,
                           "slot: 99 is not one of 0..15", self._began - 900_000, 1),
        ]  # fmt: skip

    def start(self) -> None: ...
    def stop(self) -> None: ...

    def machines(self) -> list[MachineView]:
        return [self._machine(m) for m in self._names]

    def machine(self, mid: str) -> MachineView | None:
        return self._machine(mid) if mid in self._names else None

    def _machine(self, mid: str) -> MachineView:
        model = self._names[mid]
        number = sum(map(ord, mid))
        state = self._state(mid)
        info = {
            "v": 1, "model": model, "serial": "e6614c311b5f8c24", "boot": 17,
            "hardware": f"coffee-{model}/pico-w", "firmware": "0.1.0", "build": "1a2b3c4d",
            "journal": JOURNAL, "capabilities": list(CAPABILITIES[model]),
            "commands": list(COMMANDS), "limits": LIMITS[model],
        }  # fmt: skip
        return MachineView(
            machine=mid, online=mid.startswith("sim") or number % 7 != 0, model=model,
            supported=True, boot=17, journal=JOURNAL, held_seq=41, info=info, state=state,
            first_seen_ms=self._began - 90_000_000, last_seen_ms=now_ms() - number % 9 * 1000,
            language="en_US", open_checkpoints=1 if mid == "sim-2900" else 0,
            last_brew=next(iter(self.brews(mid, 1)), None),
        )  # fmt: skip

    def _state(self, mid: str) -> dict[str, Any]:
        model, number = self._names[mid], sum(map(ord, mid))
        setpoint = self._setpoint[mid]
        warm = 1 - math.exp(-(now_ms() - self._began) / 20_000)
        temp = round(22000 + (setpoint - 22000) * warm) if mid.startswith("sim") else setpoint
        shot = self._running(mid)
        state = "brewing" if shot else "ready" if temp > setpoint - 400 else "heating"
        if number % 11 == 0:
            state, temp = "standby", 40000
        alarm = ["tank_empty"] if number % 13 == 0 else []
        if alarm:
            state = "fault"
        out = {
            "v": 1, "boot": 17, "uptime_ms": now_ms() - self._began + 4_000_000,
            "utc_ms": now_ms(), "state": state, "temp_mc": temp, "setpoint_mc": setpoint,
            "flow_ul_s": 0, "volume_ul": 0, "duty_permille": 120,
            "shot": shot.shot if shot else None, "water": not alarm, "tray": True, "cup": True,
            "remote": mid != "sim-1900", "alarms": alarm, "latched": alarm, "ticks": 400_000,
            "late_ticks": 0, "late_max_us": 210, "busy_max_us": 730, "heap_free": 91_000,
            "journal_held": 2,
        }  # fmt: skip
        if model == "2900":
            out |= {"steam_temp_mc": 123000, "steam_setpoint_mc": 123000, "group_temp_mc": 91500,
                    "pressure_mbar": 0, "weight_mg": 0, "steam_duty_permille": 90, "door": True,
                    "hopper": True}  # fmt: skip
        if shot and shot.t_ms:
            out |= {"flow_ul_s": shot.flow_ul_s[-1], "volume_ul": shot.volume_ul[-1]}
            if shot.pressure_mbar and shot.weight_mg:
                out |= {"pressure_mbar": shot.pressure_mbar[-1], "weight_mg": shot.weight_mg[-1]}
        return out

    def _running(self, mid: str) -> Curve | None:
        began = self._shot_began.get(mid)
        if began is None or now_ms() - began > 28_000:
            return None
        return shot_curve(mid, self._names[mid], 24, now_ms() - began)

    def live(self, mid: str) -> LiveView:
        if mid not in self._names:
            raise errors.NotFound("machine", f"{mid} was never seen; see /api/machines")
        running = self._running(mid)
        curve = running or self.curve(mid, 17, 23)
        times = [now_ms() - (90 - n) * 10_000 for n in range(90)]
        setpoint = self._setpoint[mid]
        temps = [round(22000 + (setpoint - 22000) * (1 - math.exp(-n / 18))) for n in range(90)]
        history = History(times, temps, [setpoint] * 90,
                          [round(t * 1.3) for t in temps] if self._names[mid] == "2900" else None,
                          None, [200] * 90)  # fmt: skip
        return LiveView(mid, True, self._state(mid), now_ms(), running is not None, curve, history)

    def brews(
        self, machine: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[BrewView]:
        out = []
        for number in range((before or 121) - 1, 0, -1):
            mid = ("sim-1900", "sim-2900")[number % 2]
            if machine in (None, mid):
                out.append(self._brew(mid, number))
            if len(out) == limit:
                break
        return out

    def _brew(self, mid: str, number: int) -> BrewView:
        two, known = mid == "sim-2900", number % 17 != 5
        return BrewView(
            mid, f"{JOURNAL}/{number}", 17, number, "0" if number % 3 else "1", 7,
            "remote" if number % 4 == 0 else "local", f"c{number}" if number % 4 == 0 else None,
            self._began - (121 - number) ** 2 * 90_000 if known else None, known,
            27_400 + number * 10, 36_200, 93_040, 9_400,
            "aborted" if number % 23 == 0 else "stopped" if number % 9 == 0 else "ok",
            "dry_pump" if number % 23 == 0 else "button" if number % 9 == 0 else None,
            35_900 if two else None, 9_120 if two else None, 8_010 if two else None, True, number,
        )  # fmt: skip

    def brew(self, external_id: str, machine: str) -> BrewView | None:
        found = [b for b in self.brews(machine, 500) if b.external_id == external_id]
        return found[0] if found else None

    def curve(self, machine: str, boot: int, shot: int) -> Curve | None:
        return shot_curve(machine, self._names[machine], shot, 28_000)

    def checkpoints(
        self, state: Literal["open", "done", "all"] = "open", machine: str | None = None
    ) -> list[CheckpointView]:
        return [c for c in self._reviews.values()
                if state in ("all", c.state) and machine in (None, c.machine)]  # fmt: skip

    def alarms(self, machine: str | None = None, limit: int = 100) -> list[AlarmView]:
        return [AlarmView("sim-2900", f"{JOURNAL}/41", "tank_empty", True, "warning", True,
                          self._began - 340_000, True, 17, 3_000_000)]  # fmt: skip

    def meters(self, machine: str, limit: int = 60) -> list[MeterView]:
        return [MeterView(machine, f"{JOURNAL}/{d}", f"2026-11-{22 - d}", 2_400_000 - d * 9000,
                          5_400_000, 21, 23 - d) for d in range(5)]  # fmt: skip

    def recipes(self, mid: str) -> RecipesView:
        return RecipesView(mid, 7, self._recipes[mid], LIMITS[self._names[mid]])

    def command(self, command_id: str) -> CommandView:
        if command_id not in self._commands:
            raise errors.NotFound("id", f"no command {command_id}; see /api/commands")
        view = self._commands[command_id]
        if view.state == "queued" and now_ms() - view.created_ms > 900:
            view = self._decide(view)
            self._commands[command_id] = view
        return view

    def _decide(self, view: CommandView) -> CommandView:
        done = replace(view, sent_ms=view.created_ms + 3, replied_ms=now_ms())
        if view.machine == "sim-1900" and view.name == "brew":
            refusal = CommandError("remote_disabled", None, "the remote key is off; turn it on")
            return replace(done, state="refused", error=refusal)
        if view.name == "brew":
            self._shot_began[view.machine] = now_ms()
        if view.name == "stop":
            self._shot_began.pop(view.machine, None)
        if view.name == "recipe.put":
            self._recipes[view.machine][view.args["slot"]] = view.args["recipe"]
        if view.name == "recipe.delete":
            self._recipes[view.machine].pop(view.args["slot"], None)
        if view.name == "setpoint":
            self._setpoint[view.machine] = view.args.get("brew_mc", 93000)
        return replace(done, state="ok", result={})

    def commands(self, machine: str | None = None, limit: int = 50) -> list[CommandView]:
        mine = [c for c in self._commands if self.command(c).machine == (machine or
                self._commands[c].machine)]  # fmt: skip
        return [self._commands[c] for c in reversed(mine)][:limit]

    def quarantine(self, limit: int = 50) -> list[QuarantineView]:
        return self._bad[:limit]

    def health(self) -> HealthView:
        return HealthView(True, (), "bridge", "0.1.0", self._began, True, True, 1.4,
                          len(self._names), len(self._names), 0, len(self._bad),
                          len(self.checkpoints()), "off", {"matched": 41})  # fmt: skip

    def metrics(self) -> bytes:
        return b"# no metrics here\n"

    def send(
        self, mid: str, name: str, args: dict[str, Any], user: str, deadline_s: float = 60
    ) -> str:
        if mid not in self._names:
            raise errors.NotFound("machine", f"{mid} was never seen; see /api/machines")
        command_id = f"fake-{len(self._commands)}"
        self._commands[command_id] = CommandView(
            command_id, mid, name, args, user, "queued", now_ms(),
            now_ms() + round(deadline_s * 1000), None, None, None, None,
        )  # fmt: skip
        return command_id

    def wait(self, command_id: str, timeout_s: float) -> CommandView:
        return self.command(command_id)

    def review(self, checkpoint_id: int, user: str, note: str = "") -> CheckpointView:
        view = replace(self._reviews[checkpoint_id], state="done", reviewed_by=user,
                       reviewed_ms=now_ms(), note=note)  # fmt: skip
        self._reviews[checkpoint_id] = view
        return view

    def replay(self, quarantine_id: int) -> None: ...

    def discard(self, quarantine_id: int, user: str) -> None:
        self._bad = [q for q in self._bad if q.id != quarantine_id]


def main() -> None:
    from host_bridge.web.auth import new_ticket
    from host_bridge.web.server import WebServer

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8090)
    options.add_argument("--machines", type=int, default=0, help="machines beside the two")
    given = options.parse_args()
    data = Path(tempfile.mkdtemp(prefix="coffee-fake-"))
    settings = Settings(data=data, web={"port": given.port})  # type: ignore[arg-type]
    server = WebServer(FakeBridge(settings, given.machines), settings)
    server.start()
    print(f"{server.url}/login/once/{new_ticket(data / 'web')}", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        server.stop()


if __name__ == "__main__":
    main()
