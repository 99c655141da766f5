"""Payloads as structs. Decoding is strict: a wrong type, range or `v` is an error that names the
field; unknown keys are ignored, as the contract says. Nothing here knows topics or databases.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

VERSION: Final = 1
BIG: Final = 2**53

Count = Annotated[int, Meta(ge=0, le=BIG)]
Small = Annotated[int, Meta(ge=-(2**31) + 1, le=2**31 - 1)]
Natural = Annotated[int, Meta(ge=0, le=2**31 - 1)]
UTC_FIRST_MS: Final = 1_577_836_800_000  # 2020
UTC_LAST_MS: Final = 4_102_444_800_000  # 2100
UtcMs = Annotated[int, Meta(ge=UTC_FIRST_MS, le=UTC_LAST_MS)]
JournalId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{8,32}\Z")]
CommandId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._-]{1,36}\Z")]
Slot = Annotated[str, Meta(pattern=r"\A([0-9]|1[0-5])\Z")]
Code = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,63}\Z")]
"""A new firmware may know alarms this bridge does not; they are taken as they come."""
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=200)]
Column = Annotated[list[Small], Meta(max_length=256)]


class ContractError(Exception):
    """Bad input: `field` is its path in the message, `problem` what is wrong with it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class Message(Struct, frozen=True, kw_only=True):
    v: Literal[1] = 1


class Status(Message, frozen=True):
    online: bool
    boot: Natural


class Info(Message, frozen=True):
    model: Annotated[str, Meta(pattern=r"\A[0-9A-Za-z.-]{1,16}\Z")]
    serial: Annotated[str, Meta(min_length=1, max_length=64)]
    hardware: Name
    firmware: Name
    build: Name
    boot: Natural
    journal: JournalId
    capabilities: Annotated[list[Name], Meta(max_length=64)]
    commands: Annotated[list[Name], Meta(max_length=64)]
    limits: dict[Name, Any]


class State(Message, frozen=True):
    """What the bridge itself reads of a `state`; the rest travels to the console as published."""

    boot: Natural
    uptime_ms: Count
    utc_ms: UtcMs | None
    state: Name
    temp_mc: Small
    setpoint_mc: Small
    flow_ul_s: Small
    volume_ul: Small
    duty_permille: Small
    shot: Natural | None
    water: bool
    tray: bool
    cup: bool
    remote: bool
    alarms: Annotated[list[Code], Meta(max_length=64)]
    latched: Annotated[list[Code], Meta(max_length=64)]
    ticks: Count
    late_ticks: Natural
    late_max_us: Natural
    busy_max_us: Natural
    heap_free: Natural
    journal_held: Natural
    steam_temp_mc: Small | None = None
    steam_setpoint_mc: Small | None = None
    group_temp_mc: Small | None = None
    pressure_mbar: Small | None = None
    weight_mg: Small | None = None
    steam_duty_permille: Small | None = None
    door: bool | None = None
    hopper: bool | None = None


class Shot(Message, frozen=True):
    """Columns of equal length; `pressure_mbar` and `weight_mg` where the machine can measure."""

    boot: Natural
    shot: Natural
    part: Natural
    last: bool
    t_ms: Column
    temp_mc: Column
    flow_ul_s: Column
    volume_ul: Column
    duty_permille: Column
    pressure_mbar: Column | None = None
    weight_mg: Column | None = None


class Recipes(Message, frozen=True):
    rev: Natural
    slots: dict[Slot, dict[Name, Any]]


class ReplyError(Struct, frozen=True):
    code: Code
    message: Text
    field: Text | None = None


class Reply(Message, frozen=True):
    id: CommandId | None
    ok: bool
    error: ReplyError | None = None
    result: dict[str, Any] | None = None


class Journal(Message, frozen=True):
    """Facts stay raw here: one bad fact must not take its neighbours with it."""

    journal: JournalId
    boot: Natural
    seq: Natural
    first: Natural
    sent_ms: Count
    sent_utc_ms: UtcMs | None
    facts: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=256)]


class Fact(Struct, frozen=True, kw_only=True, tag_field="kind"):
    seq: Natural
    boot: Natural
    uptime_ms: Count
    utc_ms: UtcMs | None


class Brew(Fact, frozen=True, tag="brew"):
    shot: Natural
    slot: Slot
    recipe_rev: Natural
    source: Literal["local", "remote"]
    command: CommandId | None
    start_uptime_ms: Count
    duration_ms: Natural | None
    """This, volume_ul and energy_j are null when a reset cut the shot: nobody knows."""
    volume_ul: Natural | None
    temp_mean_mc: Small
    energy_j: Natural | None
    result: Literal["ok", "stopped", "aborted"]
    reason: Text | None
    weight_mg: Small | None = None
    pressure_peak_mbar: Small | None = None
    pressure_mean_mbar: Small | None = None


class Alarm(Fact, frozen=True, tag="alarm"):
    code: Code
    raised: bool
    severity: Literal["info", "warning", "critical"]
    latched: bool


class Maintenance(Fact, frozen=True, tag="maintenance"):
    code: Code
    value: Small


class RecipeChange(Fact, frozen=True, tag="recipe"):
    slot: Slot
    rev: Natural
    action: Literal["put", "delete"]
    source: Literal["local", "remote"]


class Meter(Fact, frozen=True, tag="meter"):
    day: Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")] | None
    water_ul: Count
    energy_j: Natural
    grinds: Natural
    shots: Natural


class Boot(Fact, frozen=True, tag="boot"):
    cause: Literal["power", "watchdog", "reset", "brownout"]
    previous_uptime_ms: Count | None
    safe_mode: bool


class Lost(Fact, frozen=True, tag="lost"):
    from_seq: Natural
    to_seq: Natural
    count: Natural


AnyFact = Brew | Alarm | Maintenance | RecipeChange | Meter | Boot | Lost

_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    "status": msgspec.json.Decoder(Status),
    "info": msgspec.json.Decoder(Info),
    "state": msgspec.json.Decoder(State),
    "shot": msgspec.json.Decoder(Shot),
    "recipes": msgspec.json.Decoder(Recipes),
    "reply": msgspec.json.Decoder(Reply),
    "journal": msgspec.json.Decoder(Journal),
}
_fact_decoder: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)
_whole: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])
SHOWN_AS_PUBLISHED: Final = ("info", "state", "recipes")
"""Kept and shown with keys we do not know, so what is inside those must be JSON too."""
TO_THE_ERP: Final = ("info", "recipes", "reply")
"""In a call that speaks for other machines too."""
DEEPEST: Final = 32
"""What nests deeper some reader on the way cannot read or write (JSON libraries end at 250 or 1000
levels), and a list of all machines, or a call for all, would fail for one."""
NUL: Final = rb"\u0000"
"""As JSON must write it; or an escaped backslash before it."""
T = TypeVar("T")


def decode(kind: str, payload: bytes) -> Message:
    """The message of that kind of topic.

    Raises:
        ContractError: with the field's path, or "payload" when it is not JSON at all.
    """
    message: Message = _guarded(_decoders[kind], payload, "")
    if kind in SHOWN_AS_PUBLISHED:
        _guarded(_whole, payload, "")
    if kind in SHOWN_AS_PUBLISHED or kind in TO_THE_ERP:
        _check_depth(payload, "")
    if kind in TO_THE_ERP and NUL in payload:
        _no_nul(_guarded(_whole, payload, ""), "")
    if isinstance(message, Shot):
        _equal_columns(message)
    return message


def decode_fact(raw: bytes, path: str = "fact") -> AnyFact:
    """One fact of a journal message; `path` stands before the field's name in the error."""
    fact = _guarded(_fact_decoder, raw, path)
    _check_depth(raw, path)
    if isinstance(fact, Lost) and fact.to_seq < fact.from_seq:
        raise ContractError(f"{path}.to_seq", f"{fact.to_seq} is before from_seq {fact.from_seq}")
    return fact


def decode_fact_at(raw: bytes, seq: int, path: str = "fact") -> AnyFact:
    """A fact whose place in the journal is `seq`; one that says otherwise is bad."""
    fact = decode_fact(raw, path)
    if fact.seq != seq:
        raise ContractError(f"{path}.seq", f"{fact.seq}, but its position makes it {seq}")
    if isinstance(fact, Lost) and fact.to_seq > seq:  # at it: a record that cannot be read
        raise ContractError(f"{path}.to_seq", f"{fact.to_seq} is after its own seq {seq}")
    return fact


def _guarded(decoder: msgspec.json.Decoder[T], payload: bytes, path: str) -> T:
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `$")
        field = (path + where.rstrip("`")).lstrip(".") or "payload"
        raise ContractError(field, problem) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ContractError(path or "payload", f"not UTF-8 JSON: {error}") from error
    except RecursionError as error:
        raise ContractError(path or "payload", "nested too deeply") from error


def _check_depth(payload: bytes, path: str) -> None:
    if payload.count(b"[") + payload.count(b"{") <= DEEPEST:
        return
    level: list[Any] = [_guarded(_whole, payload, path)]
    for _ in range(DEEPEST):
        parts = (one.values() if isinstance(one, dict) else one for one in level)
        level = [part for some in parts for part in some if isinstance(part, (dict, list))]
    if level:
        raise ContractError(path or "payload", f"nested more than {DEEPEST} levels deep")


def _no_nul(value: Any, path: str) -> None:
    """No database keeps a text with a NUL in it, and all machines would wait for this one."""
    if isinstance(value, str):
        if "\0" in value:
            raise ContractError(path or "payload", "contains a NUL character; send it without")
    elif isinstance(value, dict):
        for name, part in value.items():
            where = f"{path}.{name}".lstrip(".").replace("\0", "\\0")
            _no_nul(name, where)
            _no_nul(part, where)
    elif isinstance(value, list):
        for n, part in enumerate(value):
            _no_nul(part, f"{path}[{n}]")


def _equal_columns(shot: Shot) -> None:
    for name in ("temp_mc", "flow_ul_s", "volume_ul", "duty_permille", "pressure_mbar",
                 "weight_mg"):  # fmt: skip
        column = getattr(shot, name)
        if column is not None and len(column) != len(shot.t_ms):
            raise ContractError(name, f"{len(column)} samples, but t_ms has {len(shot.t_ms)}")


def encode(message: dict[str, Any]) -> bytes:
    """Compact JSON in key order as given, without what our machines cannot read: of an escaped
    pair of surrogates MicroPython makes two characters, which are no UTF-8.

    Raises:
        ValueError: NaN, infinity or half a pair of surrogates in it.
    """
    text = json.dumps(message, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.encode()


def ack(journal: str, seq: int) -> bytes:
    return encode({"v": VERSION, "journal": journal, "seq": seq})


def bridge_status(online: bool, connection: str | None = None) -> bytes:
    """`connection`: whose birth it is, so that its echo is told from that of another one."""
    named = {} if connection is None else {"connection": connection}
    return encode({"v": VERSION, "online": online} | named)
