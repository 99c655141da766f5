"""The API over a real bridge: what it answers, whom it lets act, and how it says no."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack import eventually
from tests.unit.web.conftest import BEARER, JOURNAL, MACHINE, Console, PlayedMachine

pytestmark = pytest.mark.broker

ACTING = [
    ("POST", f"/api/machines/{MACHINE}/commands", {"name": "stop"}),
    ("PUT", f"/api/machines/{MACHINE}/recipes/0", {"name": "x"}),
    ("DELETE", f"/api/machines/{MACHINE}/recipes/0", None),
    ("POST", "/api/checkpoints/1/review", {}),
    ("POST", "/api/checkpoints/review", {"ids": [1]}),
    ("POST", "/api/quarantine/1/replay", None),
    ("DELETE", "/api/quarantine/1", None),
]


def get(console: Console, path: str, status: int = 200, **query: Any) -> Any:
    answer = console.http.get(path, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_health_and_metrics(console: Console) -> None:
    health = get(console, "/healthz")
    assert health["ok"] and health["mqtt_connected"]
    assert console.http.head("/healthz").status_code == 200
    text = console.http.get("/metrics").text
    assert "coffee_connected 1" in text


def test_machines_are_as_they_reported(console: Console) -> None:
    (listed,) = (m for m in get(console, "/api/machines") if m["machine"] == MACHINE)
    asked = get(console, f"/api/machines/{MACHINE}")
    assert listed["info"] == asked["info"]
    assert asked["online"] and asked["model"] == "1900"
    assert asked["state"]["temp_mc"] == 93012
    live = get(console, f"/api/machines/{MACHINE}/live")
    assert live["state"]["state"] == "ready"
    assert get(console, f"/api/machines/{MACHINE}/recipes")["slots"]["0"]["name"] == "Espresso"


def test_a_brew_becomes_a_record_with_its_curve(console: Console) -> None:
    console.machine.draws(shot=41)
    external_id = console.machine.brewed(shot=41)
    path = f"/api/brews/{MACHINE}/{external_id}"
    eventually(lambda: console.http.get(path).status_code == 200)
    detail = get(console, path)
    assert detail["brew"]["external_id"] == external_id
    assert detail["brew"]["volume_ul"] == 36200
    assert detail["curve"]["flow_ul_s"] == [0, 1500]
    listed = get(console, "/api/brews", machine=MACHINE)
    assert external_id in [brew["external_id"] for brew in listed]


def test_brews_are_paged_without_gap_or_double(console: Console) -> None:
    made = [console.machine.brewed(shot) for shot in range(100, 107)]
    eventually(lambda: console.http.get(f"/api/brews/{MACHINE}/{made[-1]}").status_code == 200)
    seen: list[str] = []
    before = None
    while page := get(console, "/api/brews", machine=MACHINE, limit=3, **_cursor(before)):
        seen += [brew["external_id"] for brew in page]
        before = page[-1]["cursor"]
    assert len(seen) == len(set(seen))
    assert set(made) <= set(seen)


def _cursor(before: int | None) -> dict[str, int]:
    return {} if before is None else {"before": before}


@pytest.mark.parametrize(("method", "path", "body"), ACTING)
def test_nobody_acts_without_the_token(
    console: Console, method: str, path: str, body: Any
) -> None:
    console.forgive()
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        answer = console.http.request(method, path, json=body, headers=headers)
        assert answer.status_code == 401, answer.text
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["field"] == "Authorization"
        assert "Bearer <token>" in answer.json()["message"]


def test_a_login_cookie_is_no_licence_for_the_api(console: Console) -> None:
    """Else another site's form could act in the visitor's name."""
    console.forgive()
    form = {"token": BEARER["Authorization"].split()[1], "user": "Ada"}
    entered = console.http.post("/login", data=form)
    assert "coffee_session" in entered.cookies
    answer = console.http.post(ACTING[0][1], json={"name": "stop"})
    console.http.cookies.clear()
    assert answer.status_code == 401


def test_guessing_is_slowed_down(console: Console) -> None:
    console.forgive()
    wrong = {"Authorization": "Bearer guess"}
    path, body = ACTING[0][1], {"name": "stop"}
    said = [console.http.post(path, json=body, headers=wrong).status_code for _ in range(6)]
    assert said == [401] * 5 + [429]
    right = console.http.post(path, json=body, headers=BEARER)
    assert right.status_code == 429
    assert int(right.headers["Retry-After"]) > 0
    assert "wait" in right.json()["message"]
    console.forgive()


def test_an_order_is_taken_and_its_answer_kept(console: Console) -> None:
    ordered = console.http.post(
        f"/api/machines/{MACHINE}/commands",
        json={"name": "brew", "args": {"slot": "0"}, "deadline_s": 30},
        headers=BEARER,
        params={"on_behalf_of": " Ada\x1b "},
    )
    assert ordered.status_code == 202, ordered.text
    path = ordered.headers["Location"]
    assert get(console, path)["state"] in ("queued", "sent")
    sent = console.machine.answers("brew")
    assert sent["args"] == {"slot": "0"}
    decided = get(console, path, wait_s=30)
    assert decided["state"] == "ok"
    assert decided["user"] == "Ada\\x1b", "it gives no orders to the terminal of the log"
    assert decided["id"] == sent["id"] == ordered.json()["id"]


def test_a_refusal_comes_in_the_machines_words(console: Console) -> None:
    refusal = {"code": "cup_missing", "field": None, "message": "no cup; put one there"}
    helper = threading.Thread(
        target=console.machine.answers, args=("brew",),
        kwargs={"ok": False, "error": refusal, "result": None},
    )  # fmt: skip
    helper.start()
    answer = console.http.post(
        f"/api/machines/{MACHINE}/commands", params={"wait_s": 30}, headers=BEARER,
        json={"name": "brew", "args": {"slot": "0"}},
    )  # fmt: skip
    helper.join()
    assert answer.status_code == 409
    assert answer.json()["state"] == "refused"
    assert answer.json()["error"] == refusal


def test_recipes_are_sent_and_deleted(console: Console) -> None:
    recipe = {"name": "Lungo", "temp_mc": 92000, "volume_ul": 80000}
    url = f"/api/machines/{MACHINE}/recipes/0"
    assert console.http.put(url, json=recipe, headers=BEARER).status_code == 202
    order = console.machine.answers("recipe.put")
    assert order["args"]["slot"] == "0"
    assert order["args"]["recipe"] == recipe
    assert console.http.delete(url, headers=BEARER).status_code == 202
    assert console.machine.answers("recipe.delete")["args"] == {"slot": "0"}


def test_an_alarm_is_reviewed_once(console: Console) -> None:
    external_id = console.machine.journals(
        kind="alarm", code="tank_empty", raised=True, severity="warning", latched=False
    )

    def waiting() -> list[dict[str, Any]]:
        found = get(console, "/api/checkpoints", machine=MACHINE)
        return [view for view in found if view["coffee_id"] == external_id]

    (found,) = eventually(waiting)
    assert found["model"] == "coffee.alarm"
    path = f"/api/checkpoints/{found['id']}/review"
    done = console.http.post(path, json={"note": "Filled it."}, headers=BEARER).json()
    assert (done["state"], done["reviewed_by"], done["note"]) == ("done", "api", "Filled it.")
    again = console.http.post(path, json={"note": "Me too."}, headers=BEARER).json()
    assert again["note"] == "Filled it."
    assert waiting() == []
    assert get(console, "/api/alarms", machine=MACHINE)[0]["code"] == "tank_empty"


def test_an_alarm_that_stands_is_left_out_of_a_review_of_several(console: Console) -> None:
    made = [
        console.machine.journals(
            kind="alarm", code=code, raised=True, severity="warning", latched=False
        )
        for code in ("tray_full", "door_open", "tray_full")
    ]

    def ids() -> list[int]:
        found = get(console, "/api/checkpoints", machine=MACHINE, kind="alarm")
        return sorted(view["id"] for view in found if view["coffee_id"] in made)

    def stands(code: str, key: str) -> bool:
        return code in get(console, f"/api/machines/{MACHINE}")["state"][key]

    def review() -> tuple[list[int], list[int]]:
        body = {"ids": [*every, 999_999], "note": "all seen to"}
        url = "/api/checkpoints/review"
        answer = console.http.post(url, json=body, headers=BEARER).json()
        return answer["reviewed"], answer["standing"]

    every = eventually(lambda: len(ids()) == 3 and ids())
    old, door, tray = every
    for key, over in (("alarms", [old]), ("latched", [])):  # it came again: the first is over
        console.machine.reports(**{key: ["tray_full", "door_open"]})
        eventually(lambda key=key: stands("door_open", key))
        assert review() == (over, [door, tray])
    console.machine.reports(alarms=["tray_full"])
    eventually(lambda: not stands("door_open", "latched"))
    assert review() == ([door], [tray])
    assert ids() == [tray]
    console.machine.reports()
    eventually(lambda: not stands("tray_full", "alarms"))
    assert review() == ([tray], [])
    done = get(console, "/api/checkpoints", state="done", machine=MACHINE)
    assert {view["note"] for view in done if view["id"] in every} == {"all seen to"}


def test_machines_are_listed_in_the_order_people_count_in(console: Console) -> None:
    for name in ("new-10", "new-2"):
        PlayedMachine(console.wire, name).is_born()
    path, query = "/api/checkpoints", {"kind": "machine", "machine": "new-2"}
    eventually(lambda: len(get(console, "/api/machines")) > 2)
    names = [view["machine"] for view in get(console, "/api/machines")]
    assert [name for name in names if name.startswith("new-")] == ["new-2", "new-10"]
    (asks,) = eventually(lambda: get(console, path, **query))
    assert get(console, path, before=asks["id"], **query) == []
    assert get(console, path, machine="new-2", kind="alarm") == []


def test_maintenance_is_listed_newest_first(console: Console) -> None:
    for code, value in (("backflush_done", 0), ("descale_due", 60)):
        console.machine.journals(kind="maintenance", code=code, value=value)
    found = eventually(
        lambda: (done := get(console, "/api/maintenance", machine=MACHINE))[1:] and done
    )
    assert [(one["code"], one["value"]) for one in found] == [
        ("descale_due", 60), ("backflush_done", 0)]  # fmt: skip


def test_quarantine_shows_replays_and_discards(console: Console) -> None:
    console.machine.says("journal", b"\xff\x00<script>")
    (bad,) = eventually(lambda: get(console, "/api/quarantine"))
    assert bad["text"] == "\\xff\\x00<script>"
    assert bad["reason"]
    path = f"/api/quarantine/{bad['id']}"
    replayed = console.http.post(f"{path}/replay", headers=BEARER)
    assert replayed.status_code == 422
    assert replayed.json()["message"]
    assert console.http.delete(path, headers=BEARER).status_code == 204
    assert get(console, "/api/quarantine") == []
    assert console.http.delete(path, headers=BEARER).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("GET", "/api/machines/nobody", None, 404, "machine"),
        ("GET", "/api/machines/nobody/live", None, 404, "machine"),
        ("GET", "/api/machines/nobody/recipes", None, 404, "machine"),
        ("GET", f"/api/brews/{MACHINE}/{JOURNAL}/999999", None, 404, "external_id"),
        ("GET", "/api/brews?limit=0", None, 422, "limit"),
        ("GET", "/api/brews?limit=many", None, 422, "limit"),
        ("GET", "/api/brews?machine=nobody", None, 404, "machine"),
        ("GET", "/api/alarms?machine=nobody", None, 404, "machine"),
        ("GET", "/api/commands?machine=nobody", None, 404, "machine"),
        ("GET", "/api/checkpoints?machine=nobody", None, 404, "machine"),
        ("GET", "/api/checkpoints?state=some", None, 422, "state"),
        ("GET", "/api/checkpoints?limit=501", None, 422, "limit"),
        ("GET", "/api/nothing", None, 404, None),
        ("POST", "/api/machines/nobody/commands", {"name": "stop"}, 404, "machine"),
        ("POST", f"/api/machines/{MACHINE}/commands", {"name": "dance"}, 422, "name"),
        ("POST", f"/api/machines/{MACHINE}/commands", {}, 422, "name"),
        ("POST", f"/api/machines/{MACHINE}/commands", {"name": "stop", "deadline_s": -1}, 422,
         "deadline_s"),
        ("POST", f"/api/machines/{MACHINE}/commands", {"name": "stop", "surprise": 1}, 422,
         "surprise"),
        ("PUT", f"/api/machines/{MACHINE}/recipes/16", {"name": "x"}, 422, "slot"),
        ("GET", "/api/checkpoints?kind=some", None, 422, "kind"),
        ("POST", "/api/checkpoints/review", {"ids": []}, 422, "ids"),
        ("POST", "/api/checkpoints/999999/review", {}, 404, "checkpoint_id"),
        ("POST", "/api/checkpoints/1/review", {"note": "x" * 2001}, 422, "note"),
        ("POST", "/api/quarantine/999999/replay", None, 404, None),
    ],
)  # fmt: skip
def test_errors_name_the_field_and_the_cure(
    console: Console, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    answer = console.http.request(method, path, json=body, headers=BEARER)
    assert answer.status_code == status, answer.text
    said = answer.json()
    assert set(said) == {"code", "field", "message"}
    if field is not None:
        assert said["field"] == field
    # what and the cure: two parts
    assert ";" in said["message"] or "see " in said["message"], said


def test_errors_say_what_was_wrong_in_plain_words_and_stay_short(console: Console) -> None:
    path = f"/api/machines/{MACHINE}/commands"
    unknown = console.http.post(path, json={"name": "stop", "surprise": 1}, headers=BEARER).json()
    assert unknown["message"] == "there is no surprise; leave it out, or correct its name"
    headers = {**BEARER, "Content-Type": "application/json"}
    broken = console.http.post(path, content=b'{"name": stop}', headers=headers)
    assert broken.status_code == 422
    assert broken.json()["field"] == "body"
    assert broken.json()["message"].startswith("not JSON at character 9: ")
    for name, args in (("x" * 5000, {}), ("brew", {"slot": "9" * 5000})):
        body = {"name": name[:32] if args == {} else name, "args": args}
        answer = console.http.post(path, json=body, headers=BEARER)
        assert answer.status_code == 422 and len(answer.text) < 500, answer.text
    long = console.http.post(path, json={"name": "stop", "y" * 5000: 1}, headers=BEARER)
    assert long.status_code == 422 and len(long.text) < 500
    assert len(console.http.get(f"/api/machines/{'z' * 5000}").text) < 500


def test_openapi_describes_what_is_answered(console: Console) -> None:
    document = get(console, "/openapi.json")
    paths = {path: sorted(verbs) for path, verbs in document["paths"].items()}
    assert paths["/api/machines/{machine}/commands"] == ["post"]
    assert paths["/api/machines/{machine}/recipes/{slot}"] == ["delete", "put"]
    for path, verbs in document["paths"].items():
        for verb in verbs.values():
            assert " " in verb["summary"] and "." not in verb["summary"], path
    text = json.dumps(document)
    assert "HTTPValidationError" not in text, "an error form we never send"


def test_the_token_is_never_written_down(console: Console) -> None:
    token = BEARER["Authorization"].split()[1]
    for path in Path(console.data).rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path
