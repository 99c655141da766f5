"""Keys and tokens reach neither a log nor a proxy, and an empty one opens nothing."""

from __future__ import annotations

import runpy
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from host_bridge.cli import api
from host_bridge.gateway.odoo import OdooGateway
from host_bridge.gateway.port import (
    GatewayError,
)
from host_bridge.settings import (
    GatewaySettings,
    Settings,
    WebSettings,
)
from host_bridge.storage import open_bridge
from host_bridge.web.auth import Auth

TOKEN = "only-for-this-test"


@pytest.mark.parametrize("key", ["hunter2-hunter2\r", "hunter2-hunter2 ", "hunter2-hunter2\u2026"])
def test_a_key_with_a_slip_at_its_end_is_told_without_telling_it(
    key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        gateway = OdooGateway(GatewaySettings(kind="odoo", url=url, key=key), "b")  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(GatewayError) as caught:
            gateway.hello()
        server.shutdown()
    assert "hunter2" not in str(caught.value)
    assert "gateway.key" in str(caught.value)


def test_the_token_does_not_go_to_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str | None] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers["Authorization"])
            self.send_error(503)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_address[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        anew = runpy.run_path(api.__file__)  # as it is loaded where a proxy is set
        asked = anew["Api"](Settings(data=tmp_path, web=WebSettings(port=9, token=TOKEN)))  # type: ignore[arg-type]
        with pytest.raises(anew["ApiError"]):
            asked.call("GET", "machines")
        proxy.shutdown()
    assert heard == []


def test_an_empty_token_file_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("")  # the power went before its content was on the disk
    (tmp_path / "session.key").write_text("\n")
    assert not Auth(tmp_path).token_fits("")
    assert (tmp_path / "session.key").read_text().strip()


def test_what_waits_for_a_machine_is_read_by_the_bridges_user_alone(tmp_path: Path) -> None:
    """A `config.put` with the Wi-Fi's password lies there until the machine has it."""
    db = open_bridge(tmp_path)
    with db.write() as tx:
        tx.execute("CREATE TABLE one (n)")
    modes = {file.name: file.stat().st_mode & 0o077 for file in tmp_path.glob("bridge.sqlite*")}
    db.close()
    assert set(modes) >= {"bridge.sqlite", "bridge.sqlite-wal"} and not any(modes.values()), modes


def test_a_folder_of_an_older_bridge_is_closed_to_strangers(tmp_path: Path) -> None:
    """Its group may be who makes the backups; everybody never is."""
    open_bridge(tmp_path).close()
    for name in ("bridge.sqlite", "bridge.sqlite-wal"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    db = open_bridge(tmp_path)
    with db.write() as tx:
        tx.execute("CREATE TABLE one (n)")
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("bridge.sqlite*")}
    db.close()
    assert modes["bridge.sqlite"] == 0o640 and not any(m & 0o007 for m in modes.values()), modes
