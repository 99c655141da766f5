"""The bridge as one object: starts and stops its parts, answers questions, takes orders.

The console, the API and the command line use only this class (and views.py). Nothing of the web
may enter here. Every public method may be called from any thread and returns plain views.
"""

from __future__ import annotations

from typing import Any, Literal

from host_bridge.settings import Settings
from host_bridge.views import (
    AlarmView,
    BrewView,
    CheckpointView,
    CommandView,
    Curve,
    HealthView,
    LiveView,
    MachineView,
    MeterView,
    QuarantineView,
    RecipesView,
)


class Bridge:
    """One bridge over one data folder and one broker.

    Unknown names raise `errors.NotFound`, unusable values `errors.Invalid`; both carry `field`
    and `message`. Methods that may miss (`machine`, `brew`, `curve`) return None instead.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def start(self) -> None:
        """Opens the data folder and starts the threads; returns at once, connected or not."""
        raise NotImplementedError

    def stop(self) -> None:
        """Everything committed, threads ended, files closed. Safe to call twice."""
        raise NotImplementedError

    # --- questions
    def machines(self) -> list[MachineView]:
        """All machines ever seen, by name."""
        raise NotImplementedError

    def machine(self, mid: str) -> MachineView | None:
        raise NotImplementedError

    def live(self, mid: str) -> LiveView:
        """Raises NotFound for a machine never seen."""
        raise NotImplementedError

    def brews(
        self, machine: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[BrewView]:
        """Newest first; `before` is the `cursor` of the last one already shown."""
        raise NotImplementedError

    def brew(self, external_id: str, machine: str) -> BrewView | None:
        raise NotImplementedError

    def curve(self, machine: str, boot: int, shot: int) -> Curve | None:
        """Stored curve, or the running one if it is that shot."""
        raise NotImplementedError

    def checkpoints(
        self, state: Literal["open", "done", "all"] = "open", machine: str | None = None
    ) -> list[CheckpointView]:
        raise NotImplementedError

    def alarms(self, machine: str | None = None, limit: int = 100) -> list[AlarmView]:
        """Alarm facts, newest first."""
        raise NotImplementedError

    def meters(self, machine: str, limit: int = 60) -> list[MeterView]:
        """Daily totals, newest first."""
        raise NotImplementedError

    def recipes(self, mid: str) -> RecipesView:
        raise NotImplementedError

    def command(self, command_id: str) -> CommandView:
        raise NotImplementedError

    def commands(self, machine: str | None = None, limit: int = 50) -> list[CommandView]:
        """Newest first."""
        raise NotImplementedError

    def quarantine(self, limit: int = 50) -> list[QuarantineView]:
        """Newest first."""
        raise NotImplementedError

    def health(self) -> HealthView:
        raise NotImplementedError

    def metrics(self) -> bytes:
        """Prometheus text format, for GET /metrics."""
        raise NotImplementedError

    # --- orders
    def send(
        self, mid: str, name: str, args: dict[str, Any], user: str, deadline_s: float = 60
    ) -> str:
        """Writes the command down durably and returns its id; the machine has the last word."""
        raise NotImplementedError

    def wait(self, command_id: str, timeout_s: float) -> CommandView:
        """The command once decided (ok, refused, expired), or as it stands at the timeout."""
        raise NotImplementedError

    def review(self, checkpoint_id: int, user: str, note: str = "") -> CheckpointView:
        """Marks a checkpoint as done; a second review changes nothing."""
        raise NotImplementedError

    def replay(self, quarantine_id: int) -> None:
        """Takes a quarantined message in again; it returns to quarantine if it is still bad."""
        raise NotImplementedError

    def discard(self, quarantine_id: int, user: str) -> None:
        """Removes a quarantined message for good, on that person's word."""
        raise NotImplementedError
