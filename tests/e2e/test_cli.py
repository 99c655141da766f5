"""The command line against a running bridge with its API, and against its folder afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from host_bridge.cli import app
from host_bridge.cli.act import _order
from host_bridge.cli.api import Api, ApiError
from host_bridge.cli.common import short_time
from host_bridge.cli.resend import _utc_ms
from host_bridge.connector.checkpoint import about_backend
from host_bridge.database import Database, DatabaseError
from host_bridge.reader import Reader
from host_bridge.service import Bridge
from host_bridge.settings import load
from host_bridge.web.app import build_api
from host_bridge.web.server import WebServer
from tests.support.contract import examples
from tests.support.mosquitto import Mosquitto, free_port
from tests.support.stack import eventually
from tests.support.wire import Wire

pytestmark = pytest.mark.broker
PROFILE = {
    "title": "Blooming", "version": "2", "steps": [
        {"name": "fill", "pump": "flow", "flow": 4, "temperature": 92, "seconds": 8,
         "exit": {"type": "pressure", "condition": "over", "value": 3}},
        {"name": "hold", "pump": "pressure", "pressure": 9, "temperature": 92, "seconds": 25},
    ],
}  # fmt: skip


NOWHERE = ("run", "--web-host", "", "--web-port", "70000")


class Site:
    """A bridge with its API, one machine that has said everything once, and the command line."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.settings = load(data=folder, mqtt={"port": port}, web={"port": free_port()})
        self.bridge = Bridge(self.settings)
        # The API alone: pages of another test may already stand in this process.
        self.web = WebServer(self.bridge, self.settings, build_api)
        self.wire = Wire(port)

    def __enter__(self) -> Site:
        self.bridge.start()
        self.web.start()
        eventually(lambda: self.bridge.health().mqtt_connected)
        for kind in ("status", "info", "recipes", "state", "journal"):
            for example in examples(kind):
                if not (kind == "status" and not example["online"]):
                    self.wire.publish(f"coffee/v1/m1/{kind}", example)
        self.wire.publish("coffee/v1/m1/journal", b"rubbish")
        eventually(lambda: self.bridge.quarantine() and self.bridge.meters("m1"))
        # it asks about the rubbish seconds later: no list may be longer than the one before
        eventually(lambda: any("unreadable" in c.coffee_id for c in self.bridge.checkpoints()))
        return self

    def __exit__(self, *_: object) -> None:
        self.web.stop()
        self.bridge.stop()
        self.wire.close()

    def cli(self, *words: str, port: bool = False) -> Result:
        options = ["--data", str(self.folder)]
        options += ["--web-port", str(self.settings.web.port)] if port else []
        return CliRunner().invoke(app, [*words, *options], env={"COLUMNS": "200"})

    def machine_answers(
        self, name: str, ok: bool = True, since: int = 0, done: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Waits for a command and replies to it; returns the command. `done`: its result."""
        command = self.wire.wait(f"coffee/v1/m1/cmd/{name}", since=since).json
        error = None if ok else {"code": "cup_missing", "field": None, "message": "no cup"}
        result = (done or {}) if ok else None
        reply = {"v": 1, "id": command["id"], "ok": ok, "error": error, "result": result}
        self.wire.publish("coffee/v1/m1/reply", reply)
        return dict(command)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("cli")
    broker = Mosquitto(folder / "broker")
    broker.start()
    with Site(folder / "data", broker.port) as made:
        yield made
    broker.stop()


def acting(
    site: Site, *words: str, command: str, ok: bool = True
) -> tuple[Result, dict[str, Any]]:
    """Runs the command line while the machine answers."""
    said: list[dict[str, Any]] = []
    machine = threading.Thread(target=lambda: said.append(site.machine_answers(command, ok)))
    machine.start()
    result = site.cli(*words, port=True)
    machine.join()
    return result, said[0]


def test_help_teaches(site: Site) -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    for word in ("run", "broker", "machines", "brews", "checkpoints", "recipe", "quarantine"):
        assert word in shown
    for words in (["brew"], ["recipe", "put"], ["checkpoints", "review"], ["run"], ["broker"]):
        assert "Example" in CliRunner().invoke(app, [*words, "--help"]).output, words


def test_looking_as_a_table_and_as_json(site: Site) -> None:
    for words, key in (
        (["machines"], "machine"), (["brews"], "external_id"),
        (["checkpoints", "list"], "summary"), (["quarantine", "list"], "reason"),
    ):  # fmt: skip
        table, raw = site.cli(*words), site.cli(*words, "--json")
        assert table.exit_code == raw.exit_code == 0
        rows = json.loads(raw.output)
        assert rows and all(row[key] for row in rows)
    assert "36.1" in site.cli("brews").output  # a narrow table breaks before the unit
    assert json.loads(site.cli("brews", "-m", "nobody", "--json").output) == []


def test_recipes_come_out_as_they_go_in(site: Site) -> None:
    shown = json.loads(site.cli("recipe", "show", "m1", "0").output)
    assert shown == examples("recipes")[-1]["slots"]["0"]
    assert "lever" in site.cli("recipe", "list", "m1").output
    missing = site.cli("recipe", "show", "m1", "9")
    assert missing.exit_code == 1 and "slot: m1 has no recipe in slot 9" in missing.output
    for words in (("show", "m-1", "0"), ("list", "m-1")):
        assert "machine: 'm-1' has never been seen" in site.cli("recipe", *words).output


def test_brews_that_a_list_leaves_out_are_told_of(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended after the twentieth without a word."""
    three = site.bridge.brews("m1")[:1] * 3
    monkeypatch.setattr(Reader, "brews", lambda self, machine, limit, before: three[:limit])
    said = site.cli("brews", "--limit", "2").output
    assert said.count("9f3a51c2/5") == 2
    assert "older brews are left out: give a higher --limit" in said
    assert "left out" not in site.cli("brews", "--limit", "3").output
    assert len(json.loads(site.cli("brews", "--limit", "2", "--json").stdout)) == 2


@pytest.mark.parametrize("group", ["checkpoints", "recipe", "quarantine"])
def test_a_group_without_a_command_lists(site: Site, group: str) -> None:
    bare, listed = site.cli(group), site.cli(group, "list")
    assert bare.exit_code == 0 and bare.output == listed.output != ""


def test_a_group_takes_the_options_of_its_list(site: Site) -> None:
    for words in (
        ("checkpoints", "--state", "all"), ("checkpoints", "-m", "m1", "--json"),
        ("quarantine", "--containing", "rubbish"), ("quarantine", "-n", "1"),
    ):  # fmt: skip
        bare, listed = site.cli(*words), site.cli(words[0], "list", *words[1:])
        assert bare.exit_code == 0 and bare.output == listed.output != "", words


@pytest.mark.parametrize("before", [("--data", "other"), ("--state", "done"), ("--json",)])
def test_an_option_before_a_command_is_not_lost_without_a_word(
    site: Site, before: tuple[str, ...]
) -> None:
    result = site.cli("checkpoints", *before, "list")
    assert result.exit_code == 2
    assert f"{before[0]}: it has no effect before `list`; put it after" in result.output


@pytest.mark.parametrize("words", [("m1", "1"), ("m1", "--slot", "1")])
def test_a_brew_the_machine_takes(site: Site, words: tuple[str, ...]) -> None:
    mark = site.wire.mark()
    machine = threading.Thread(target=site.machine_answers, args=("brew", True, mark))
    machine.start()
    result = site.cli("brew", *words)  # without a port: the bridge says where it listens
    machine.join()
    assert result.exit_code == 0 and result.output.endswith("m1: done\n")
    assert site.wire.wait("coffee/v1/m1/cmd/brew", since=mark).json["args"] == {"slot": "1"}


def test_a_slot_is_said_once(site: Site) -> None:
    result = site.cli("brew", "m1", "1", "--slot", "2")
    assert result.exit_code == 2 and "slot: given as 1 and as 2; give it once" in result.output


@pytest.mark.parametrize(
    "words",
    [
        ("checkpoints", "review"), ("checkpoints", "review", "1", "--kind", "alarm"),
        ("quarantine", "discard"), ("quarantine", "discard", "1", "--containing", "x"),
    ],
)  # fmt: skip
def test_wrong_usage_has_its_own_exit_status(site: Site, words: tuple[str, ...]) -> None:
    """As docs/operating.md says: scripts tell it from a refusal."""
    result = site.cli(*words, port=True)
    assert result.exit_code == 2 and ": give either" in result.output


def test_a_broker_that_is_no_address_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["gateway", "/dev/null", "--mqtt", "broker.example"])
    assert result.exit_code == 2 and "--mqtt: 'broker.example' is not host:port" in result.output


def test_tables_say_what_the_console_says_and_break_no_id(site: Site) -> None:
    narrow = {"COLUMNS": "60"}
    data = ["--data", str(site.folder)]
    shown = CliRunner().invoke(app, ["brews", *data], env=narrow).output
    assert site.bridge.brews()[0].external_id in shown
    shown = CliRunner().invoke(app, ["checkpoints", *data], env=narrow).output
    assert "Water tank empty" in shown and "tank_empty" not in shown
    assert "Is this your machine?" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("then", "text"),
    [("2026-11-24 06:05", "06:05"), ("2026-11-23 06:05", "23 Nov 06:05"),
     ("2025-11-24 06:05", "2025-11-24")],
)  # fmt: skip
def test_times_are_short(then: str, text: str) -> None:
    now = datetime.fromisoformat("2026-11-24 12:00").astimezone()
    utc_ms = int(datetime.fromisoformat(then).astimezone().timestamp() * 1000)
    assert short_time(utc_ms, now) == text


def test_a_recipe_the_machine_refuses(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "recipe.json"
    file.write_text('{"name": "x", "temp_mc": 93000, "volume_ul": 1}')
    words = ("recipe", "put", "m1", "3", str(file))
    result, command = acting(site, *words, command="recipe.put", ok=False)
    assert result.exit_code == 1 and "m1 refused: no cup" in result.output
    assert command["args"]["recipe"]["volume_ul"] == 1
    file.write_text("{")
    assert "file: " in site.cli(*words, port=True).output


def test_a_field_that_the_machine_left_out_is_told(site: Site, tmp_path: Path) -> None:
    """A typing error in a recipe was answered with *done*, and brewed without it."""
    file = tmp_path / "recipe.json"
    file.write_text('{"name": "x", "temp_mc": 93000, "volume_ul": 36000, "soak": 1}')
    mark, done = site.wire.mark(), {"rev": 4, "ignored": ["recipe.soak"]}
    answer = threading.Thread(target=site.machine_answers, args=("recipe.put", True, mark, done))
    answer.start()
    result = site.cli("recipe", "put", "m1", "3", str(file), port=True)
    answer.join()
    assert "m1 does not know recipe.soak and left it out; correct the name" in result.output
    assert result.exit_code == 0 and "m1: done" in result.output


@pytest.mark.parametrize(
    "words",
    [("recipe", "put", "m1", "3", "FILE"), ("recipe", "import", "FILE", "-m", "m1", "-s", "3")],
)
def test_a_file_that_cannot_be_read_is_told_with_the_cure(
    site: Site, tmp_path: Path, words: tuple[str, ...]
) -> None:
    for file, why in ((tmp_path / "none.json", "No such file"), (tmp_path, "Is a directory")):
        result = site.cli(*(str(file) if word == "FILE" else word for word in words), port=True)
        assert result.exit_code == 1 and f"file: {file} cannot be read ({why}" in result.output
        assert "; give a readable file" in result.output


def test_a_shared_profile_is_imported(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "blooming.json"
    file.write_text(json.dumps({**PROFILE, "steps": [{"pump": "steam"}]}))
    words = ("recipe", "import", str(file), "--machine", "m1", "--slot", "5")
    refused = site.cli(*words, port=True)
    assert refused.exit_code == 1 and "steps[0].pump" in refused.output
    file.write_text(json.dumps(PROFILE))
    mark = site.wire.mark()
    site.cli(*words, "--wait", "0", port=True)
    sent = site.wire.wait("coffee/v1/m1/cmd/recipe.put", since=mark).json
    assert sent["args"]["slot"] == "5" and len(sent["args"]["recipe"]["phases"]) == 2


def test_no_answer_is_said_to_be_none(site: Site) -> None:
    result = site.cli("brew", "m1", "--wait", "0.2", port=True)
    assert result.exit_code == 1 and "no answer (command " in result.output


def test_a_review_is_written_down(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "ann")
    alarm = next(c for c in site.bridge.checkpoints() if c.model == "coffee.alarm")
    result = site.cli("checkpoints", "review", str(alarm.id), "--note", "filled", port=True)
    assert result.exit_code == 0 and "done" in result.output
    again = site.cli("checkpoints", "review", str(alarm.id), "--note", "me too")
    assert again.exit_code == 0 and f"{alarm.id}: already reviewed by ann, " in again.output
    assert again.output.rstrip().endswith(": filled")
    done = site.cli("checkpoints", "list", "--state", "done", "--json")
    assert [(row["id"], row["note"]) for row in json.loads(done.output)] == [(alarm.id, "filled")]


@pytest.fixture
def many(site: Site) -> int:
    """More than a list or an answer holds, all open."""
    drafts = [about_backend("m1", f"lost/x/{n}-{n}", f"lost {n}", "en_US") for n in range(510)]
    site.bridge._engine.store.add_checkpoints(drafts)
    with site.bridge._engine.store._db.write() as tx:
        tx.execute("UPDATE checkpoint SET state='open' WHERE coffee_id LIKE 'lost/x/%'")
    return site.bridge.count_checkpoints("open", "m1", "lost")


def test_a_list_says_what_it_leaves_out(site: Site, many: int) -> None:
    command = ("checkpoints", "list", "--kind", "lost")
    listed = site.cli(*command).output
    last = min(row["id"] for row in json.loads(site.cli(*command, "--json").output))
    assert f"{many - 500} older: give --before {last}, or a higher --limit" in listed
    rest = site.cli(*command, "--before", str(last), "--limit", "20")
    assert "older" not in rest.output and "lost 0 " in rest.output
    assert "older" not in site.cli(*command, "--limit", str(many)).output
    assert site.cli(*command, "--before", "1").output == "no checkpoint matches\n"


def test_all_of_a_kind_are_reviewed_after_saying_how_many(site: Site, many: int) -> None:
    command = ("checkpoints", "review", "--kind", "lost", "--machine", "m1")
    asked = site.cli(*command, port=True)
    assert asked.exit_code == 1, "nobody answered the question"
    assert f"{many} × lost: m1" in asked.output
    assert f"Mark {many} checkpoints as reviewed?" in asked.output
    assert site.bridge.count_checkpoints("open", "m1", "lost") == many
    done = site.cli(*command, "--yes", "--note", "the old journal", port=True)
    assert (done.exit_code, f"{many} reviewed" in done.output) == (0, True), done.output
    assert site.bridge.count_checkpoints("open", "m1", "lost") == 0
    assert "nothing to review" in site.cli(*command, "--yes", port=True).output


def test_an_old_review_is_not_done_anew(site: Site, many: int) -> None:
    """It lies below the newest 500, which is as many as the API lists at once."""
    found = sorted(site.bridge.checkpoints("open", "m1", 1000, "lost"), key=lambda view: view.id)
    site.bridge.review_all([view.id for view in found], "ann", "long ago")
    again = site.cli("checkpoints", "review", str(found[0].id), "--note", "me too", port=True)
    assert again.exit_code == 0 and f"{found[0].id}: already reviewed by ann, " in again.output
    none = site.cli("checkpoints", "review", str(2**63 - 1), port=True)
    assert none.exit_code == 1 and "checkpoint_id: no checkpoint 92233" in none.output


def test_several_are_reviewed_by_their_ids(site: Site, many: int) -> None:
    one, two, three = (str(view.id) for view in site.bridge.checkpoints("open", "m1", 3, "lost"))
    command = ("checkpoints", "review", "--yes")
    wrong = site.cli(*command, one, "999999", port=True)
    assert wrong.exit_code == 1 and "ids: 999999 is not open, so nothing was done" in wrong.output
    done = site.cli(*command, one, two, one, port=True)
    assert (done.exit_code, "2 reviewed" in done.output) == (0, True), done.output
    still = {str(view.id) for view in site.bridge.checkpoints("open", "m1", 1000, "lost")}
    assert {one, two, three} & still == {three}
    for words in ((), (one, "--kind", "lost")):
        assert "ids: give either IDs" in site.cli(*command, *words, port=True).output


def test_an_alarm_that_stands_is_left_for_itself(site: Site) -> None:
    say = "coffee/v1/m1/state"
    state = {**examples("state")[0], "alarms": ["tank_empty"]}
    fact = {"seq": 900, "boot": 900, "uptime_ms": 1, "utc_ms": None, "kind": "alarm",
            "code": "tank_empty", "raised": True, "severity": "warning", "latched": False}
    site.wire.publish(say, state)
    site.wire.publish("coffee/v1/m1/journal", {
        "v": 1, "journal": "0000000f", "boot": 900, "seq": 900, "first": 900, "sent_ms": 2,
        "sent_utc_ms": None, "facts": [fact],
    })  # fmt: skip
    (stands,) = eventually(lambda: [
        view.id for view in site.bridge.checkpoints("open", "m1", 9, "alarm")
        if view.coffee_id == "0000000f/900"
    ])  # fmt: skip
    result = site.cli("checkpoints", "review", "--kind", "alarm", "--yes", port=True)
    assert result.exit_code == 1 and "1 left: the alarm still stands" in result.output
    assert result.output.rstrip().endswith(f"by its ID: {stands}")
    alone = site.cli("checkpoints", "review", str(stands), port=True)
    assert alone.exit_code == 0 and "done" in alone.output
    site.wire.publish(say, examples("state")[0])


def test_quarantine_shown_replayed_and_discarded(site: Site) -> None:
    (row,) = site.bridge.quarantine()
    shown = site.cli("quarantine", "show", str(row.id)).output
    assert "rubbish" in shown and "received once, 7 bytes:" in shown
    again = site.cli("quarantine", "replay", str(row.id), port=True)
    assert again.exit_code == 1
    assert "still cannot be processed: payload: not UTF-8 JSON" in again.output
    kept = site.cli("quarantine", "discard", str(row.id), port=True)
    assert kept.exit_code == 1 and len(site.bridge.quarantine()) == 1  # nobody said yes
    assert site.cli("quarantine", "discard", str(row.id), "--yes", port=True).exit_code == 0
    assert site.bridge.quarantine() == []
    assert "give either the ID" in site.cli("quarantine", "discard", "--yes").output
    site.wire.publish("coffee/v1/m1/state", {"v": 1, "boot": "one"})
    for number in range(3):
        site.wire.publish("coffee/v1/m1/reply", b"rubbish %d" % number)
    eventually(lambda: len(site.bridge.quarantine()) == 4)
    listed = site.cli("quarantine", "list", "--limit", "1", "--containing", "m1/reply")
    assert "2 older: give --before" in listed.output
    every = ("quarantine", "discard", "--containing", "not UTF-8 JSON", "--yes")
    assert "3 discarded\n" in site.cli(*every).output
    assert "nothing in quarantine contains that" in site.cli(*every).output
    listed = site.cli("quarantine", "--containing", "not UTF-8 JSON")
    assert listed.output == "nothing in quarantine matches\n"
    (other,) = site.bridge.quarantine()
    assert other.topic == "coffee/v1/m1/state"
    assert site.cli("quarantine", "discard", str(other.id), "--yes", port=True).exit_code == 0
    assert site.cli("quarantine").output == "quarantine is empty\n"


def test_who_waits_longer_gives_the_machine_as_long() -> None:
    given: list[float] = []

    class Says:
        def call(self, method: str, path: str, body: dict[str, Any], wait_s: float) -> Any:
            given.append(body["deadline_s"])
            return {"state": "ok"}

    for wait_s in (0, 10, 90):
        _order(Says(), "m1", "brew", {}, wait_s, False)  # type: ignore[arg-type]
    assert given == [60, 60, 90]


def test_the_bridge_has_longer_to_answer_than_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(request: Any, timeout: float) -> Any:
        raise TimeoutError(f"after {timeout:g} s")

    monkeypatch.setattr("host_bridge.cli.api._direct", SimpleNamespace(open=never))
    with pytest.raises(ApiError, match="after 110 s"):
        Api(load(data=tmp_path)).call("POST", "machines/m1/commands", {}, wait_s=90)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["brew", "nobody"], "machine: 'nobody' has never been seen"),
        (["brew", "m1", "--slot", "17"], "args.slot: '17' is not a slot"),
        (["checkpoints", "review", "999"], "checkpoint_id: no checkpoint 999"),
        (["quarantine", "replay", "999"], "quarantine_id: no row 999"),
        (["brew", ""], "machine: '' is not a machine name; see `machines`"),
        (["brew", "a/b"], "machine: 'a/b' is not a machine name; see `machines`"),
    ],
)
def test_errors_name_field_and_cure(site: Site, words: list[str], told: str) -> None:
    result = site.cli(*words, port=True)
    assert result.exit_code == 1
    assert told in " ".join(result.output.split())


def test_a_wrong_token_does_not_act(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COFFEE_WEB_TOKEN", "guessed-wrong")
    result = site.cli("brew", "m1", port=True)
    assert result.exit_code == 1 and "token: the bridge at http" in result.output
    assert "does not accept ours; give --data of that bridge, or the COFFEE_WEB_TOKEN" in (
        result.output)


@pytest.mark.parametrize("words", [("brew", "m1"), ("token",), ("quarantine", "replay", "1")])
def test_acting_makes_no_folder_where_no_bridge_has_run(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    folder = tmp_path / "mistyped"
    result = CliRunner().invoke(app, [*words, "--data", str(folder)], env={"COLUMNS": "200"})
    assert result.exit_code == 1 and "no bridge has run in" in result.output
    assert not folder.exists()


def test_nothing_of_a_misspelt_machine_is_not_nothing_to_do(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("KIND", "odoo"), ("URL", "http://127.0.0.1:9"), ("KEY", "k")):
        monkeypatch.setenv(f"COFFEE_GATEWAY_{name}", value)
    for words in (("brews",), ("checkpoints",), ("checkpoints", "list"), ("resend",)):
        result = site.cli(*words, "-m", "m11")
        assert result.exit_code == 1, words
        assert "machine: 'm11' has never been seen; see `machines`" in result.output


def test_facts_since_before_all_clocks_are_all_facts() -> None:
    assert _utc_ms(datetime(1, 1, 1)) == _utc_ms(None) == 0
    day = datetime(2026, 1, 1)
    assert _utc_ms(day) == int(day.astimezone().timestamp() * 1000)


def test_an_id_larger_than_any_is_refused_as_such(site: Site) -> None:
    for words in (("show", str(2**63)), ("list", "--before", str(2**63)), ("replay", str(2**99))):
        result = site.cli("quarantine", *words)
        assert result.exit_code == 2 and "less than or equal to" in result.output, words


def test_a_locale_without_dashes_shows_the_list_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["checkpoints", "--state", "all", "--data", str(site.folder)]
    shown = CliRunner(charset="ascii").invoke(app, options, env={"COLUMNS": "200"})
    assert shown.exit_code == 0 and "Water tank empty" in shown.output


def test_a_reader_who_has_seen_enough_is_no_error(site: Site) -> None:
    """As in `coffee-bridge brews --json | head -1`."""
    here, there = os.pipe()
    os.close(here)
    command = [sys.executable, "-m", "host_bridge", "brews", "--json", "--data", str(site.folder)]
    with os.fdopen(there, "w") as nobody:
        done = subprocess.run(command, stdout=nobody, stderr=subprocess.PIPE, text=True)
    assert done.stderr == ""


def test_without_a_bridge_acting_says_so_and_looking_works(site: Site) -> None:
    result = CliRunner().invoke(
        app, ["brew", "m1", "--data", str(site.folder), "--web-port", str(free_port())]
    )
    assert result.exit_code == 1 and "nothing answers at" in result.output
    empty = CliRunner().invoke(app, ["machines", "--data", str(site.folder / "elsewhere")])
    assert empty.exit_code == 1 and "no bridge has run in" in " ".join(empty.output.split())
    bad = CliRunner().invoke(app, ["machines"], env={"COFFEE_MQTT_PORT": "99999"})
    assert bad.exit_code == 2 and "mqtt.port" in bad.output


def test_without_an_erp_check_names_the_setting() -> None:
    said = CliRunner().invoke(app, ["check", "--data", "elsewhere"]).output
    assert "the store in elsewhere ([gateway] kind)" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("broker", "--host", "", "--port", "1"), "--host: is empty; give an address, or 0.0.0.0"),
        (NOWHERE, "web.host: is empty; give an address of this computer"),
        (NOWHERE, "(from --web-host; see"),
        (("run", "--data", "/dev/null"), "data: /dev/null cannot be used (File"),
    ],
)
def test_where_it_must_not_listen_or_write_is_named(
    words: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty host, of a variable that is not set, would mean all interfaces."""
    async def listens(host: str, port: int) -> None: ...

    monkeypatch.setattr("host_bridge.mqtt.broker.serve", listens)
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code in (1, 2) and told in result.output


def test_a_folder_without_a_bridge_has_no_login_link(tmp_path: Path) -> None:
    """It would lead to whatever is at that port, and make the folder that was meant wrongly."""
    folder = tmp_path / "elsewhere"
    result = CliRunner().invoke(app, ["login", "--data", str(folder)], env={"COLUMNS": "200"})
    assert result.exit_code == 1 and "no bridge has run in" in result.output
    assert "/login/once/" not in result.output and not folder.exists()


def test_token_and_login_link(site: Site) -> None:
    shown = site.cli("token").output.strip()
    assert shown == (site.folder / "web" / "token").read_text().strip()
    link = site.cli("login", port=True).output.strip()
    assert link.startswith(f"http://localhost:{site.settings.web.port}/login/once/")
    assert site.cli("login").output.strip().rpartition("/")[0] == link.rpartition("/")[0]
    for leads_to in ("/", "/login?why=ticket&next=%2F"):  # once
        assert httpx.get(link).headers["location"] == leads_to
    port = str(free_port())
    words = ["login", "--data", str(site.folder), "--web-port", port]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert f"nothing answers at http://localhost:{port} yet; start it with `run`" in result.stderr
    assert "/login/once/" in result.stdout


def test_another_users_folder_is_not_called_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`move it away` would be bad advice for the files of a running bridge."""
    file = tmp_path / "bridge.sqlite"
    file.mkdir()  # nobody, not even root, can open it
    with pytest.raises(DatabaseError, match="restore it from a backup or move it away"):
        Database(file, "", read_only=True)
    monkeypatch.setattr("host_bridge.database.os.access", lambda path, mode: False)
    with pytest.raises(DatabaseError, match="run this as the user the bridge runs as"):
        Database(file, "", read_only=True)


def test_what_this_user_may_not_read_is_told_with_the_cure(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(folder: Path) -> str:
        raise PermissionError(13, "Permission denied", str(folder / "token"))

    monkeypatch.setattr("host_bridge.web.auth.access_token", refused)
    result = site.cli("token")
    assert result.exit_code == 1
    told = f"{site.folder / 'web' / 'token'}: Permission denied; run this as the user the"
    assert told in result.output
