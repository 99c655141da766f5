"""Settings: one TOML file, overridden by COFFEE_* environment variables. No other source.

`load()` is the one door; its errors name the field and the cure. Secrets are SecretStr, so they
print as asterisks wherever they are logged.
"""

from __future__ import annotations

import codecs
import difflib
import os
import re
import tomllib
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

NAME = r"^[a-z0-9-]{1,32}$"
TOKEN_LENGTH = 12
PREFIX = "COFFEE_"
EXAMPLE = "see coffee.example.toml"


class SettingsError(Exception):
    """Settings that cannot be used; the text has one line a field: where, what, cure."""


def _readable(path: Path) -> Path:
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}); give a readable file"
        ) from error
    return path


def host_name(name: str) -> str:
    """Raises: ValueError: no look-up can take it, which would end the thread that looks it up."""
    try:
        name.encode("idna")
    except UnicodeError as error:
        raise ValueError(
            f"{name!r} is not a host name ({error.__cause__ or error}); give a name or an address"
        ) from error
    if any(char.isspace() or not char.isprintable() for char in name):
        raise ValueError(f"{name!r} has a space or an invisible character; remove it")
    return name


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"{name!r} is not a time zone; give an IANA name (Europe/Rome)"
        ) from error
    return name


def _signs(key: SecretStr) -> SecretStr:
    if not key.get_secret_value():
        raise ValueError("is empty: no command would be signed; give the key or leave it out")
    return key


ReadableFile = Annotated[Path, AfterValidator(_readable)]
Host = Annotated[str, AfterValidator(host_name)]
Days = Annotated[float, Field(gt=0, le=36_500)]
"""At most a century: numbers have an end, above all those of a database."""
Patience = Annotated[float, Field(ge=0, le=31_536_000)]
"""Seconds, at most a year."""
MachineName = Annotated[str, Field(pattern=NAME)]
CommandKey = Annotated[SecretStr, AfterValidator(_signs)]
KeyOwner = Annotated[str, Field(pattern=r"^([a-z0-9-]{1,32}|\*)$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")]
IsoWeekday = Annotated[int, Field(ge=1, le=7)]
TimeZone = Annotated[str, AfterValidator(_zone)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MqttSettings(Section):
    """The broker. Without `ca_file` the connection is plain TCP."""

    host: Host = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=1883, ge=1, le=65535)
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    """auto: MQTT 5, and 3.1.1 when the broker refuses it."""
    username: str | None = None
    password: SecretStr | None = None
    ca_file: ReadableFile | None = None
    cert_file: ReadableFile | None = None
    key_file: ReadableFile | None = None
    keepalive_s: int = Field(default=30, ge=5, le=3600)
    reconnect_max_s: int = Field(default=30, ge=1, le=600)
    receive_maximum: int = Field(default=1000, ge=1, le=65535)
    """Unacknowledged messages the broker may send at once (MQTT 5); one commit takes them all."""
    command_keys: dict[KeyOwner, CommandKey] = {}
    """Machine → key; its commands carry an HMAC-SHA-256. "*" is the key of every other machine."""

    @model_validator(mode="after")
    def _certificate_is_whole(self) -> MqttSettings:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together; give both or neither")
        if self.cert_file and not self.ca_file:
            raise ValueError("a client certificate needs TLS; give ca_file too")
        return self


class WebSettings(Section):
    """The console and API."""

    host: Host = "127.0.0.1"
    """Never empty: that would mean all interfaces."""
    port: int = Field(default=8080, ge=0, le=65535)
    token: SecretStr | None = None
    """For acting pages; without one a random token is made and kept in the data folder."""

    @field_validator("host")
    @classmethod
    def _is_meant(cls, host: str) -> str:
        if not host.strip():
            raise ValueError("is empty; give an address of this computer, or 0.0.0.0 for all")
        return host

    @field_validator("token")
    @classmethod
    def _is_hard_to_guess(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and len(token.get_secret_value()) < TOKEN_LENGTH:
            raise ValueError(
                f"is too short to be safe; give at least {TOKEN_LENGTH} characters, or leave it "
                "out and a random one is made"
            )
        return token


class InboxSettings(Section):
    keep_days: Days = 30
    """Imported facts stay in the inbox this long; the store has them for ever."""
    curve_days: Days = 365
    """Curves are large and live; after this long only the brew record remains."""
    quarantine_rows: int = Field(default=100_000, ge=100, le=1_000_000_000)
    payload_bytes: int = Field(default=65_536, ge=4096, le=268_435_455)
    """Longer messages are quarantined with only their beginning."""


class ImportSettings(Section):
    batch: int = Field(default=500, ge=1, le=10_000)
    info_wait_s: Patience = 60
    """How long facts of a machine that never said what it is wait before a person is asked."""
    clock_wait_s: Patience = 15
    """How long clock-less facts from a backlog wait for a live message to tell the time by."""
    retry_max_s: float = Field(default=30, gt=0, le=86_400)


class GatewaySettings(Section):
    """Where facts go: the embedded store, or an Odoo with the addon connector_coffee."""

    kind: Literal["embedded", "odoo"] = "embedded"
    url: str | None = None
    """Such as https://odoo.example; a path in front of Odoo's own is kept."""
    database: str | None = None
    """Without one, Odoo's own choice for the host name (JSON-2 only)."""
    login: str | None = None
    """XML-RPC only: the user whose key or password `key` is."""
    key: SecretStr | None = None
    """API key of the bridge's user; before Odoo 14 its password."""
    transport: Literal["auto", "json2", "xmlrpc"] = "auto"
    """auto: JSON-2, and XML-RPC when the server is older than Odoo 19."""
    ca_file: ReadableFile | None = None
    """Instead of this computer's certificate authorities."""
    timeout_s: float = Field(default=30, gt=0, le=600)
    """After it a call's outcome counts as unknown, and the same call is made again."""

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            parts = urlsplit(url)
            sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # of the port, or of brackets
            sound = False
        if not sound:
            shown = "it" if "@" in url else repr(url)  # may hold a password
            raise ValueError(f"{shown} is not a URL; give one such as https://odoo.example")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("give scheme, host, port and path only; the key goes in gateway.key")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _is_whole(self) -> GatewaySettings:
        if self.kind == "embedded":
            return self
        missing = [name for name in ("url", "key") if not getattr(self, name)]
        if self.transport == "xmlrpc":
            missing += [name for name in ("database", "login") if not getattr(self, name)]
        if missing:
            raise ValueError(f"kind {self.kind!r} needs {', '.join(missing)}; give them too")
        return self


class PourSettings(Section):
    """Pour a coffee when the ERP is busy for too long. Off by default."""

    enabled: bool = False
    machine: MachineName | None = None
    slot: str = Field(default="0", pattern=r"^([0-9]|1[0-5])$")
    threshold_ms: float = Field(default=2000, gt=0)
    probe_every_s: float = Field(default=5, gt=0, le=60)
    probe_timeout_s: float = Field(default=30, gt=0, le=3600)
    enter_s: float = Field(default=300, gt=0)
    leave_s: float = Field(default=120, gt=0)
    cooldown_s: float = Field(default=1800, ge=0)
    per_day: int = Field(default=4, ge=0)
    office_from: time = time(8)
    office_to: time = time(18)
    office_days: frozenset[IsoWeekday] = frozenset({1, 2, 3, 4, 5})
    """ISO weekdays, 1 is Monday."""
    timezone: TimeZone | None = None
    """IANA name; without one the host's own zone."""
    deadline_s: float = Field(default=60, gt=0, le=600)

    @field_validator("office_from", "office_to")
    @classmethod
    def _is_local(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("give hours and minutes only (08:00); the zone goes into timezone")
        return value

    @model_validator(mode="after")
    def _can_pour(self) -> PourSettings:
        if self.enabled and self.machine is None:
            raise ValueError("enabled needs machine; name the machine that is to pour")
        if self.office_from >= self.office_to:
            raise ValueError("office_from must be before office_to; correct one of them")
        return self


class Settings(BaseSettings):
    """Everything the bridge can be told. Environment: COFFEE_MQTT__HOST, COFFEE_WEB_TOKEN, …"""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
    )

    name: str = Field(default="bridge", pattern=NAME)
    data: Path = Path("data")
    language: Language = "en_US"
    languages: dict[MachineName, Language] = {}
    """Machine → language code, where it differs."""
    log: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "text", "json"] = "auto"
    mqtt: MqttSettings = MqttSettings()
    web: WebSettings = WebSettings()
    inbox: InboxSettings = InboxSettings()
    importing: ImportSettings = ImportSettings()
    gateway: GatewaySettings = GatewaySettings()
    pour: PourSettings = PourSettings()

    @field_validator("data", mode="before")
    @classmethod
    def _is_named(cls, data: Any) -> Any:
        if data == "":  # a variable that is not set; it would be the folder one stands in
            raise ValueError("is empty; name a folder")
        return data

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """First wins: command line, environment, TOML file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def language_of(self, machine: str) -> str:
        return self.languages.get(machine, self.language)

    def command_key(self, machine: str) -> bytes | None:
        key = self.mqtt.command_keys.get(machine) or self.mqtt.command_keys.get("*")
        return key.get_secret_value().encode() if key else None


def load(config: Path | None = None, **overrides: Any) -> Settings:
    """Settings from `config` (default: coffee.toml if it is there), environment and overrides.

    `overrides` are what the command line gave; None means not given, a dict goes into a section.

    Raises:
        SettingsError: one line for each unusable field.
    """
    if config is not None and not config.is_file():
        raise SettingsError(f"config: {config} is not a file; give the path of a TOML file")
    toml_file = config or Path("coffee.toml")

    class FileSettings(Settings):
        model_config = SettingsConfigDict(toml_file=toml_file)

    _check_environment()
    try:
        return FileSettings(**_given(overrides))
    except ValidationError as error:
        raise SettingsError(_explain(error, toml_file, overrides)) from error
    except SourceError as error:
        found = re.search(r'field "(\w+)"', str(error))
        name = found[1] if found else "settings"
        raise SettingsError(
            f"{name}: {PREFIX}{name.upper()} or one below it is not JSON; write lists and "
            f"tables in variables as JSON ({EXAMPLE})"
        ) from None  # its cause quotes the value, which may be a secret
    except tomllib.TOMLDecodeError as error:
        cure = "correct that line"
        if toml_file.read_bytes().startswith(codecs.BOM_UTF8):  # no editor shows it
            cure = "save the file as UTF-8 without a byte order mark"
        raise SettingsError(f"{toml_file}: not TOML: {error}; {cure}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{toml_file}: not UTF-8 at byte {error.start}; save the file as UTF-8"
        ) from error


def _check_environment() -> None:
    """A variable that is nearly ours is a slip of the pen, and would be ignored without a word.

    Raises:
        SettingsError: naming it and what was meant.
    """
    known = []
    for name in Settings.model_fields:
        section = _section(name)
        known += [name, *(f"{name}_{key}" for key in (section.model_fields if section else ()))]
    for variable in os.environ:
        name = variable.upper().removeprefix(PREFIX).lower()
        if not variable.upper().startswith(PREFIX) or name.replace("__", "_", 1) in known:
            continue
        if name == "port" and "://" in os.environ[variable]:
            continue  # Kubernetes sets it in every container beside a service called coffee
        if any(name.startswith(f"{head}_") for head in Settings.model_fields):
            continue  # a section's: pydantic looks at what follows
        near = [one for one in known if one.endswith(f"_{name}")]
        near = near or difflib.get_close_matches(name, known, 1, 0.75)
        if near:
            meant = " or ".join(f"{PREFIX}{one.upper()}" for one in near)
            raise SettingsError(
                f"{variable}: no such setting; did you mean {meant}? Rename or unset it "
                f"({EXAMPLE})"
            )


def _given(overrides: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in overrides.items():
        value = _given(value) if isinstance(value, dict) else value
        if value is not None and value != {}:
            found[name] = value
    return found


def _explain(error: ValidationError, toml_file: Path, overrides: dict[str, Any]) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        field = ".".join(map(str, problem["loc"])) or "settings"
        what = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            what = "no such setting; remove it or correct its name"
        lines.append(f"{field}: {what} ({_source(field, toml_file, overrides)}; {EXAMPLE})")
    return "\n".join(lines)


def _source(field: str, toml_file: Path, overrides: dict[str, Any]) -> str:
    """Where the value of `field` may have come from; the command line comes before all others."""
    section, _, name = field.partition(".")
    given = overrides.get(section)
    if (given.get(name) if isinstance(given, dict) else given) is not None:
        return f"from --{field.replace('.', '-')}"
    return f"in {toml_file}, or {_variable(field)}"


def _variable(field: str) -> str:
    """That holds `field`; of what stands in a list or table, the whole list's or table's."""
    parts = field.split(".")
    parts = parts[: 2 if _section(parts[0]) else 1]
    return f"{PREFIX}{'_'.join(parts).upper()}"


def _section(name: str) -> type[BaseModel] | None:
    """What is in [name]; None: it is no section."""
    known = Settings.model_fields.get(name)
    kind = None if known is None else known.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
