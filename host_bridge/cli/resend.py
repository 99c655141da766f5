"""The command that sends an ERP what the store held before."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from host_bridge import log
from host_bridge.cli.common import (
    FAILED,
    Config,
    Data,
    OfMachine,
    err,
    explained,
    folder,
    known,
    out,
    settings,
)
from host_bridge.gateway.port import Gateway, GatewayError
from host_bridge.names import natural
from host_bridge.reader import Folder
from host_bridge.resend import Resend, Sent
from host_bridge.settings import Settings, SettingsError

SHOWN = 5
LINE_EVERY = 10_000
"""Facts between two lines where no bar can be drawn."""


def resend(
    machine: OfMachine = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Only facts from this day on (local time)."),
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Send the ERP stored facts that it lacks: from before it was connected, or after a restore.

    Example: `coffee-bridge resend --since 2026-01-01`

    Works with the bridge up or down. What the ERP already has stays as it is, so it is safe to
    run again, even after an interruption. The ERP's own settings decide what it accepts: in
    Odoo, *Import From* of each machine.
    """
    chosen = _erp(config, data)
    log.configure("warning", chosen.log_format)
    from host_bridge.gateway.odoo import OdooGateway

    with folder(config, data) as opened:
        gateway = OdooGateway(chosen.gateway, chosen.name)
        try:
            _send(opened, gateway, machine, _utc_ms(since), chosen.importing.batch)
        finally:
            gateway.close()


def _utc_ms(since: datetime | None) -> int:
    """0 for all; no clock counts what lies before 1970."""
    if since is None or since.year <= 1970:
        return 0
    return int(since.astimezone().timestamp() * 1000)


def _erp(config: Path | None, data: Path | None) -> Settings:
    with explained():
        chosen = settings(config, data)
        if chosen.gateway.kind == "embedded":
            raise SettingsError(
                "gateway.kind: no ERP to send to; set [gateway] kind, url and key first "
                "(docs/odoo.md)"
            )
        return chosen


def _send(
    opened: Folder, gateway: Gateway, machine: str | None, since_ms: int, batch: int
) -> None:
    work = Resend(opened.records.history, opened.inbox, gateway, machine, since_ms, batch)
    total = len(work.keys)
    if not total:
        if machine:
            known(opened, machine)
        out.print("nothing in the store to send")
        return
    columns = ("facts", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=err, disable=not sys.stderr.isatty()) as bar:
            task, done = bar.add_task("", total=total), 0

            def progress(count: int) -> None:
                nonlocal done
                bar.advance(task, count)
                if bar.disable and (done + count) // LINE_EVERY > done // LINE_EVERY:
                    err.print(f"{done + count} of {total}")
                done += count

            work.run(progress)
    except GatewayError as error:
        err.print(escape(str(error)), style="red")
        err.print(f"{work.sent.stati.total()} of {total} facts sent; run it again to continue")
        raise typer.Exit(FAILED) from error
    _tell(work.sent)


def _tell(sent: Sent) -> None:
    stati = sent.stati
    out.print(
        f"{stati['created']} added, {stati['unchanged']} already there or not wanted, "
        f"{stati['refused']} refused"
    )
    for machine in sorted(sent.machines, key=natural):
        err.print(escape(f"{machine}: the ERP does not know it; create its backend there"))
    for reason, count in sent.reasons.most_common(SHOWN):
        err.print(escape(f"{count} refused: {reason}"))
    if sent.machines or sent.reasons:
        raise typer.Exit(FAILED)
