"""What the bridge shows to people and programs: plain frozen records, nothing that acts.

No database, no MQTT, no web framework may enter here. Times are UTC milliseconds (`…_ms` of an
instant), `None` where the truth is not known. Columns of a curve have equal length; a column the
machine has no sensor for is `None`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

CommandState = Literal["queued", "sent", "ok", "refused", "expired"]
CheckpointState = Literal["open", "done"]
Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class BrewView:
    """One brew record of the store. `external_id` is `<journal>/<seq>`."""

    machine: str
    external_id: str
    boot: int
    shot: int
    slot: str
    recipe_rev: int
    source: Literal["local", "remote"]
    command: str | None
    start_ms: int | None
    """UTC, None when `time_known` is False."""
    time_known: bool
    duration_ms: int | None
    """This, `volume_ul` and `energy_j` are None when a reset cut the shot: nobody knows."""
    volume_ul: int | None
    temp_mean_mc: int
    energy_j: int | None
    result: Literal["ok", "stopped", "aborted"]
    reason: str | None
    weight_mg: int | None
    pressure_peak_mbar: int | None
    pressure_mean_mbar: int | None
    has_curve: bool
    cursor: int
    """Pass as `before` to get the brews older than this one."""


@dataclass(frozen=True, slots=True)
class MachineView:
    """One machine as last heard of."""

    machine: str
    online: bool
    """False, too, while the broker is away."""
    model: str | None
    """Version of the backend: "1900", "2900"; None until the machine has sent `info`."""
    supported: bool
    """False: this bridge has no backend for the model; its facts wait in quarantine."""
    boot: int | None
    journal: str | None
    held_seq: int | None
    """Highest contiguous fact of `journal` that the store holds (what `ack` says)."""
    info: dict[str, Any]
    """The `info` message as published (capabilities, commands, limits …); empty until it came."""
    state: dict[str, Any] | None
    """The latest `state` message as published; None before the first since the bridge started."""
    first_seen_ms: int
    last_seen_ms: int
    language: str
    open_checkpoints: int
    last_brew: BrewView | None


@dataclass(frozen=True, slots=True)
class Curve:
    """A shot's curve, running or finished; all columns that are not None have `len(t_ms)`."""

    machine: str
    boot: int
    shot: int
    finished: bool
    complete: bool
    """False: batches were missed (live curves are QoS 0), so the curve has a hole."""
    t_ms: list[int]
    temp_mc: list[int]
    flow_ul_s: list[int]
    volume_ul: list[int]
    duty_permille: list[int]
    pressure_mbar: list[int] | None = None
    weight_mg: list[int] | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The last minutes, one point a `state` message; columns of equal length, oldest first."""

    received_ms: list[int]
    temp_mc: list[int]
    setpoint_mc: list[int]
    steam_temp_mc: list[int] | None
    pressure_mbar: list[int] | None
    duty_permille: list[int]


@dataclass(frozen=True, slots=True)
class LiveView:
    """Latest `state` message as published (None before the first) and the newest curve."""

    machine: str
    online: bool
    """False, too, while the broker is away."""
    state: dict[str, Any] | None
    received_ms: int | None
    running: bool
    """True: `curve` is the shot that runs now. False: the last finished one, or None."""
    curve: Curve | None
    history: History


@dataclass(frozen=True, slots=True)
class MaintenanceView:
    """One maintenance fact: done, or due. `value` as docs/schemas/journal.json says."""

    machine: str
    external_id: str
    code: str
    value: int
    utc_ms: int | None
    time_known: bool
    boot: int
    uptime_ms: int


@dataclass(frozen=True, slots=True)
class AlarmView:
    """One alarm fact, raised or cleared."""

    machine: str
    external_id: str
    code: str
    raised: bool
    severity: Severity
    latched: bool
    utc_ms: int | None
    time_known: bool
    boot: int
    uptime_ms: int


@dataclass(frozen=True, slots=True)
class MeterView:
    """Totals of one UTC day (None: the machine did not know the day)."""

    machine: str
    external_id: str
    day: str | None
    water_ul: int
    energy_j: int
    grinds: int
    shots: int


@dataclass(frozen=True, slots=True)
class CheckpointView:
    """Something a person must look at. `model` says what: coffee.alarm, coffee.backend, …"""

    id: int
    machine: str
    model: str
    coffee_id: str
    summary: str
    state: CheckpointState
    created_ms: int
    reviewed_by: str | None
    reviewed_ms: int | None
    note: str | None
    alarm: str | None = None
    """Code of the alarm it is about."""


@dataclass(frozen=True, slots=True)
class ReviewedView:
    """What came of a review of several, by checkpoint id."""

    reviewed: tuple[int, ...]
    standing: tuple[int, ...]
    """Left open: the alarm they are about still stands."""


@dataclass(frozen=True, slots=True)
class RecipesView:
    """The slots as the machine last reported them: slot ("0"…"15") → recipe as in the contract."""

    machine: str
    rev: int | None
    slots: dict[str, dict[str, Any]]
    limits: dict[str, Any]
    pending: tuple[str, ...] = ()
    """Slots with a recipe command still under way."""


@dataclass(frozen=True, slots=True)
class CommandError:
    code: str
    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class CommandView:
    """`queued` → `sent` → `ok` | `refused` | `expired`; error and result are the machine's own."""

    id: str
    machine: str
    name: str
    args: dict[str, Any]
    user: str
    state: CommandState
    created_ms: int
    deadline_ms: int
    sent_ms: int | None
    replied_ms: int | None
    error: CommandError | None
    result: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class QuarantineView:
    """A message or single fact that could not be taken, byte for byte, with the reason."""

    id: int
    topic: str
    machine: str | None
    external_id: str | None
    """`<journal>/<seq>` when one fact of a readable journal message was set aside."""
    payload: bytes
    size_bytes: int
    """Of the original; larger than `len(payload)` when only its beginning was kept."""
    reason: str
    received_ms: int
    times: int
    """How often the same bytes came on the same topic."""


@dataclass(frozen=True, slots=True)
class HealthView:
    """`ok` is what /healthz answers with: broker connected, writer and importer alive, and the
    store reachable. `problems` names what is not, and the cure."""

    ok: bool
    problems: tuple[str, ...]
    bridge: str
    version: str
    started_ms: int
    mqtt_connected: bool
    gateway_ok: bool
    gateway_latency_ms: float | None
    machines_known: int
    machines_online: int
    facts_pending: int
    """In the durable inbox, not yet in the store."""
    quarantined: int
    checkpoints_open: int
    pour: str
    """State of "pour a coffee when the ERP is busy": off, idle, busy, episode, poured."""
    counters: dict[str, int] = field(default_factory=dict)
    """matched, stored, duplicate, quarantined since the start; matched is always their sum."""
