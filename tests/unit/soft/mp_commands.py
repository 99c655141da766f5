# What the host may say and hears: refusals with field and cure, one deed an id, over resets.
import json

import files
import live as names
from bench import NOW_MS, Bench
from brew import REFUSALS
from command import NAMES, hmac_sha256
from ramflash import PowerCut, every_cut
from ubinascii import hexlify

GOOD = {"name": "Mine", "temp_mc": 92000, "volume_ul": 36000}


def error(reply, code, field=None):
    assert reply["ok"] is False and reply["result"] is None and reply["v"] == 1, reply
    e = reply["error"]
    assert (e["code"], e["field"]) == (code, field), reply
    assert 10 < len(e["message"]) <= 200
    return e["message"]


def asked(bench, request):
    return [a for a in bench.mailbox.asked if a[0] == request]


def test_unreadable_messages_get_a_reply_without_id():
    bench = Bench()
    for payload, code in (
        (b"", "not_json"), (b'{"id":"a"', "not_json"),
        (b"[1]", "not_object"), (b"7", "not_object"),
        (b'{"id":"\xff\xfe"}', "bad_encoding"), ('{"id":"ü'.encode()[:-1], "bad_encoding"),
        (b"[" * 900, "not_json"), (b"x" * 1025, "too_long"), (b"{}", "missing"),
        (b'{"id":7}', "bad_value"), (b'{"id":"a b"}', "bad_value"),
        (b'{"id":"%s"}' % (b"a" * 37), "bad_value"), (b'{"id":""}', "bad_value"),
    ):
        reply = json.loads(bench.commands.take("brew", payload))
        assert reply["id"] is None and reply["error"]["code"] == code, (payload[:20], reply)
    assert not bench.mailbox.asked
    bench.close()


def test_what_is_wrong_with_the_envelope_is_named():
    bench = Bench()
    error(bench.send("dance"), "unknown_command")
    error(bench.send("brew", v=2), "unknown_version", "v")
    error(bench.send("brew", v=True), "unknown_version", "v")
    error(bench.send("brew", [1]), "wrong_type", "args")
    error(bench.send("brew", deadline=None), "missing", "deadline")
    error(bench.send("brew", deadline="soon"), "wrong_type", "deadline")
    error(bench.send("brew", deadline=1.8e12), "wrong_type", "deadline")
    message = error(bench.send("brew", deadline=NOW_MS // 1000), "bad_value", "deadline")
    assert "milliseconds" in message
    error(bench.send("brew", deadline=-1), "bad_value", "deadline")
    error(bench.send("brew", deadline=10**30), "bad_value", "deadline")
    assert not bench.mailbox.asked and not bench.ledger._where
    bench.close()


def test_arguments_are_checked_by_name():
    bench = Bench()
    for n, (name, args, field) in enumerate((
        ("brew", {}, "args.slot"), ("brew", {"slot": 16}, "args.slot"),
        ("brew", {"slot": "00"}, "args.slot"), ("brew", {"slot": True}, "args.slot"),
        ("brew", {"slot": [0]}, "args.slot"), ("clean", {}, "args.program"),
        ("clean", {"program": "descale"}, "args.program"),  # a 1900 has none
        ("clean", {"program": ["backflush"]}, "args.program"),
        ("setpoint", {}, "args"), ("setpoint", {"brew_mc": 200000}, "args.brew_mc"),
        ("setpoint", {"brew_mc": 93.5}, "args.brew_mc"),
        ("setpoint", {"steam_mc": 120000}, "args.steam_mc"),  # nor a steam boiler
        ("alarm.ack", {"code": "nonsense"}, "args.code"), ("alarm.ack", {"code": {}}, "args.code"),
        ("recipe.put", {"slot": 1}, "args.recipe"),
        ("recipe.put", {"slot": 1, "recipe": GOOD, "rev": "7"}, "args.rev"),
        ("recipe.delete", {"slot": -1}, "args.slot"),
        ("config.put", {}, "args"), ("config.put", {"button_slot": 99}, "args.button_slot"),
        ("config.put", {"command_key": "x"}, "args.command_key"),
        ("clock", {}, "args.utc_ms"), ("clock", {"utc_ms": NOW_MS // 1000}, "args.utc_ms"),
        ("update", {}, None),
    )):
        reply = bench.send(name, args, id="n%d" % n)
        assert reply["ok"] is False and reply["error"]["field"] == field, (name, args, reply)
    assert not bench.mailbox.asked
    bench.close()


def test_deadlines_and_the_clock():
    bench = Bench()
    late = bench.send("brew", {"slot": 0}, deadline=NOW_MS - 12500)
    assert "12 s" in error(late, "expired", "deadline")
    far = bench.send("brew", {"slot": 0}, id="a2", deadline=NOW_MS + 86400000 + 60000)
    error(far, "bad_value", "deadline")
    assert bench.send("wake", id="w1", deadline=NOW_MS + 86400000 - 60000)["ok"]
    bench.clock._offset_ms = None
    error(bench.send("brew", {"slot": 0}, id="a3"), "clock_unknown")
    error(bench.send("clean", {"program": "backflush"}, id="a4"), "clock_unknown")
    assert bench.send("standby", id="a5")["ok"]  # moves nothing
    assert bench.send("clock", {"utc_ms": NOW_MS}, id="a6", deadline=None)["ok"]
    # the same id again: the same refusal, although the time is known now
    error(bench.send("brew", {"slot": 0}, id="a3"), "clock_unknown")
    assert not asked(bench, names.REQ_BREW)
    assert bench.send("brew", {"slot": "0"}, id="a7")["ok"]
    assert len(asked(bench, names.REQ_BREW)) == 1
    bench.close()


def test_a_clock_that_is_ahead_is_suspected_and_can_be_set_back():
    bench = Bench()
    assert "clock" not in error(
        bench.send("brew", {"slot": 0}, id="a1", deadline=NOW_MS - 60000), "expired", "deadline")
    bench.clock.set_utc(NOW_MS + 432000)
    brew = {"name": "brew", "args": {"slot": 0}, "deadline": NOW_MS + 60000}
    assert "clock may be ahead" in error(bench.send(id="a2", **brew), "expired", "deadline")
    assert bench.send("clock", {"utc_ms": NOW_MS}, id="a3", deadline=None)["ok"]
    assert abs(bench.clock.utc_ms() - NOW_MS) < 60000
    # what was refused stays refused: an id is answered once
    error(bench.send(id="a2", **brew), "expired", "deadline")
    assert not asked(bench, names.REQ_BREW)
    assert bench.send(id="a4", **brew)["ok"] and len(asked(bench, names.REQ_BREW)) == 1
    bench.close()


def test_too_late_is_said_before_busy():
    bench = Bench()
    bench.live.state = names.BREWING
    late = {"slot": 0}
    error(bench.send("brew", late, id="b1", deadline=NOW_MS - 5000), "expired", "deadline")
    error(bench.send("brew", late, id="b1", deadline=NOW_MS - 5000), "expired", "deadline")
    error(bench.send("brew", late, id="b2"), "busy")
    error(bench.send("wake", id="w1", deadline=NOW_MS - 5000), "expired", "deadline")
    bench.close()


def test_every_refusal_of_the_tick_has_a_cure():
    bench = Bench()
    for n, code in enumerate(REFUSALS):
        bench.mailbox.answers[names.REQ_BREW] = n + 1
        cure = error(bench.send("brew", {"slot": 0}, id="r%d" % n), code)
        word = {"cup_missing": "cup", "safe_mode": "reset_storm", "standby": "wake"}.get(code)
        assert not word or word in cure, (code, cure)
        assert bench.facts._mark.kept is None
    bench.mailbox.answers[names.REQ_BREW] = -1
    error(bench.send("brew", {"slot": 0}, id="dead"), "no_tick")
    bench.close()


def test_the_same_id_acts_once_and_hears_the_same_over_resets():
    bench = Bench()
    bench.mailbox.answers[names.REQ_STANDBY] = REFUSALS.index("busy") + 1
    first = {
        "b1": bench.send("brew", {"slot": 0}, id="b1"),
        "s1": bench.send("standby", id="s1"),
        "p1": bench.send("recipe.put", {"slot": 5, "recipe": GOOD}, id="p1"),
        "w1": bench.send("wake", id="w1"),
    }
    assert [first[k]["ok"] for k in ("b1", "s1", "p1", "w1")] == [True, False, True, True]
    rev = bench.recipes.rev
    for _ in range(2):
        bench.mailbox.asked.clear()
        assert bench.send("brew", {"slot": 0}, id="b1") == first["b1"]
        assert bench.send("standby", id="s1") == first["s1"]
        assert bench.send("recipe.put", {"slot": 5, "recipe": GOOD}, id="p1") == first["p1"]
        assert bench.send("wake", id="w1", deadline=NOW_MS - 99999) == first["w1"]
        assert not bench.mailbox.asked and bench.recipes.rev == rev
        bench.boot("watchdog")
    bench.close()


def test_what_a_reset_interrupted_is_not_done_again():
    bench = Bench()
    with bench.mailbox.quiet():
        bench.ledger.begin("p9")
    assert bench.send("standby", id="p9") is None  # still being done
    bench.boot("watchdog")
    error(bench.send("standby", id="p9"), "interrupted")
    assert not bench.mailbox.asked
    bench.close()


def test_every_power_cut_of_a_recipe_change():
    bench = Bench(safe=False)
    told = []

    def work():
        bench.wire()
        del told[:]
        reply = bench.send("recipe.put", {"slot": 3, "recipe": GOOD}, id="p1")
        if bench.board.flash.dead:
            raise PowerCut
        told.append(reply)

    def check(finished):
        bench.wire()
        rev = bench.recipes.rev
        again = bench.send("recipe.put", {"slot": 3, "recipe": GOOD}, id="p1")
        if told:
            assert again == told[0] and bench.recipes.rev == rev == 1
        assert bench.recipes.rev <= 1  # never changed twice
        assert (bench.recipes.get("3") == GOOD) == (bench.recipes.rev == 1)
        assert bench.recipes.get("0") is not None

    assert every_cut(bench.board, work, check) > 8
    bench.close()


def test_every_power_cut_of_a_refused_brew():
    bench = Bench(safe=False)

    def work():
        bench.wire()
        bench.mailbox.answers[names.REQ_BREW] = REFUSALS.index("cup_missing") + 1
        bench.send("brew", {"slot": 0}, id="b1")
        if bench.board.flash.dead:
            raise PowerCut

    def check(finished):
        bench.wire()
        again = bench.ledger.find("b1") or b""  # what a second delivery gets
        shots = bench.journalled("brew")
        assert len(shots) == (b'"ok":true' in again), (again, shots)

    assert every_cut(bench.board, work, check) > 8
    bench.close()


def test_a_refused_brew_whose_mark_stayed_as_the_flash_failed_is_not_the_next_shot():
    # both have the same number; one operation fails, another one in each round
    for fails in range(1, 20):
        bench = Bench(safe=False)
        count = iter(range(fails))

        def once(count=count):
            if next(count, None) == fails - 1:
                raise OSError(5)

        bench.mailbox.answers[names.REQ_BREW] = REFUSALS.index("cup_missing") + 1
        bench.board.flash.guard = once
        assert not bench.send("brew", {"slot": 0}, id="b1")["ok"]
        bench.board.flash.guard = None
        bench.shot_starts()
        bench.pass_ms(200)
        bench.enter(names.BREWING)
        bench.shot_ends()
        bench.pass_ms(3000)
        told = [(f["source"], f["command"]) for f in bench.journalled("brew")]
        assert told == [("local", None)], (fails, told)
        bench.close()
    assert next(count, None) is not None  # the last round had nothing left to fail


def test_the_ledger_remembers_at_least_64_commands_and_not_for_ever():
    bench = Bench()
    for n in range(300):
        assert bench.send("wake", id="w%d" % n)["ok"]
    bench.boot()
    for n in range(300 - 64, 300):
        assert bench.send("wake", id="w%d" % n)["ok"]
    assert not bench.mailbox.asked
    assert len(bench.ledger._where) <= 128
    bench.send("wake", id="w5")
    assert len(bench.mailbox.asked) == 1
    for boot in range(8):  # nor when the machine is switched off each day
        for n in range(30):
            assert bench.send("wake", id="d%d-%d" % (boot, n))["ok"]
        bench.boot()
    assert len(bench.ledger._where) <= 128
    bench.close()


def test_while_water_runs_commands_wait_or_are_refused_and_nothing_is_written():
    bench = Bench()
    bench.shot_starts()
    bench.facts.step()
    bench.enter(names.BREWING)
    error(bench.send("brew", {"slot": 0}, id="b1"), "busy")
    error(bench.send("clean", {"program": "backflush"}, id="c1"), "busy")
    assert bench.send("recipe.put", {"slot": 1, "recipe": GOOD}, id="p1") is None
    assert bench.send("recipe.put", {"slot": 1, "recipe": GOOD}, id="p1") is None  # a duplicate
    assert bench.send("setpoint", {"brew_mc": 91000}, id="s1") is None
    assert bench.send("standby", id="y1", deadline=NOW_MS + 1000) is None
    assert bench.send("wake", id="y2") is None
    error(bench.send("wake", id="y3"), "busy")  # four wait
    assert bench.send("identify", id="i1")["ok"]
    assert bench.send("stop", id="x1")["ok"] and asked(bench, names.REQ_STOP)
    assert bench.send("stop", id="x1")["ok"] and len(asked(bench, names.REQ_STOP)) == 1
    assert bench.commands.step() is None
    bench.pass_ms(2000)
    bench.shot_ends()
    bench.pass_ms(300)
    replies = [json.loads(bench.commands.step()) for _ in range(4)]
    assert [(r["id"], r["ok"]) for r in replies] == [
        ("p1", True), ("s1", True), ("y1", False), ("y2", True)]
    error(replies[2], "expired", "deadline")
    assert bench.commands.step() is None  # the answers given meanwhile go to flash
    assert bench.recipes.rev == 1 and bench.config["brew_setpoint_mc"] == 91000
    bench.boot("watchdog")
    error(bench.send("brew", {"slot": 0}, id="b1"), "busy")
    assert bench.send("stop", id="x1")["ok"] and asked(bench, names.REQ_STOP)  # to no harm
    bench.close()


def test_the_answers_that_wait_for_the_flash_are_bounded():
    bench = Bench()
    bench.live.state = names.BREWING
    for n in range(40):
        reply = bench.send("brew", {"slot": 0}, id="x%d" % n)
    assert "too many" in error(reply, "busy")
    assert len(bench.ledger.waiting) == 16
    assert bench.send("stop", id="now")["ok"] and asked(bench, names.REQ_STOP)  # always
    for n in range(20):
        assert bench.send("identify", id="you%d" % n)["ok"]
    assert len(bench.ledger.waiting) == 16 and len(bench.commands._recent) == 8
    bench.close()


def test_a_recipe_at_another_revision_is_a_conflict():
    bench = Bench()
    put = {"slot": 1, "recipe": GOOD, "rev": 0}
    assert bench.send("recipe.put", put, id="p1")["result"] == {"rev": 1}
    message = error(bench.send("recipe.put", put, id="p2"), "rev_conflict", "args.rev")
    assert "rev 1" in message
    assert bench.send("recipe.delete", {"slot": "1", "rev": 1}, id="p3")["result"] == {"rev": 2}
    error(bench.send("recipe.delete", {"slot": 1}, id="p4"), "no_recipe", "args.slot")
    error(bench.send("recipe.delete", {"slot": 0, "rev": 1}, id="p6"), "rev_conflict", "args.rev")
    assert bench.recipes.get("0") is not None
    error(bench.send("brew", {"slot": 1}, id="p5"), "no_recipe", "args.slot")
    facts = bench.journalled("recipe")
    assert [(f["slot"], f["rev"], f["action"], f["source"]) for f in facts] == [
        ("1", 1, "put", "remote"), ("1", 2, "delete", "remote")]
    bench.close()


def test_unknown_keys_are_ignored_and_told():
    bench = Bench()
    recipe = dict(GOOD)
    recipe["colour"] = "red"
    reply = bench.send("recipe.put", {"slot": 1, "recipe": recipe, "more": 1}, id="p1", extra=[1])
    assert reply["ok"] and reply["result"] == {"rev": 1, "ignored": ["recipe.colour"]}, reply
    assert bench.recipes.get("1") == GOOD
    recipe.update({"k%d" % n: n for n in range(30)})
    reply = bench.send("recipe.put", {"slot": 1, "recipe": recipe}, id="p2")
    assert len(reply["result"]["ignored"]) == 8  # a reply is a kilobyte at most
    bench.close()


def test_secrets_go_in_and_never_come_out():
    bench = Bench()
    reply = bench.send("config.put", {"wifi_key": "hunter2hunter2", "broker_password": "s3cret"})
    assert reply["ok"] and reply["result"] == {
        "changed": ["broker_password", "wifi_key"], "restart": True}
    bad = bench.send("config.put", {"wifi_key": "hunter2" * 20}, id="a2")
    everything = json.dumps([reply, bad, bench.config.shown(), bench.journalled()])
    assert "hunter2" not in everything and "s3cret" not in everything
    bench.boot()
    assert bench.config["wifi_key"] == "hunter2hunter2"
    bench.close()


def test_settings_take_effect():
    bench = Bench()
    reply = bench.send("config.put", {"button_slot": 2, "brew_setpoint_mc": 91000})
    assert reply["result"]["restart"] is False
    reply = bench.send("config.put", {"autotune": "again"}, id="t1")
    assert reply["result"] == {"changed": ["autotune"], "restart": True}
    assert bench.button.words()[6] == 2  # plan.SLOT
    assert asked(bench, names.REQ_SETPOINT) == [(names.REQ_SETPOINT, 91000, 0, 1)]
    bench.close()


def test_an_acknowledgement_is_of_the_alarm_that_it_names():
    bench = Bench()
    bit = names.ALARM_NAMES.index("tray_full")
    bench.live.latched = 1 << bit | 1
    reply = bench.send("alarm.ack", {"code": "tray_full"}, id="k1")
    assert reply["result"] == {"latched": ["over_temp_brew", "tray_full"]}  # the tick clears them
    assert bench.send("alarm.ack", id="k2")["ok"]
    assert [a[1] for a in asked(bench, names.REQ_ACK)] == [bit, -1]
    bench.close()


def test_too_little_memory_is_a_reply_too():
    bench = Bench()

    def check(name, args):
        raise MemoryError

    bench.commands._actions.check = check
    assert bench.send("wake", id="m1")["id"] == "m1"
    error(bench.send("wake", id="m2"), "no_memory")
    bench.close()


def test_where_memory_ends_in_the_middle_each_delivery_gets_that_reply():
    def do(command, args):
        raise MemoryError

    for parked in (False, True):
        bench = Bench()
        bench.commands._actions.do = do
        if parked:
            bench.live.state = names.STEAM
            assert bench.send("wake", id="m1") is None
            bench.live.state = names.READY
            reply = json.loads(bench.commands.step())
        else:
            reply = bench.send("wake", id="m1")
        error(reply, "no_memory")
        assert bench.send("wake", id="m1") == reply
        bench.boot()
        assert bench.send("wake", id="m1") == reply
        bench.close()


def test_no_command_is_remembered_behind_bad_flash():
    bench = Bench()
    assert bench.send("wake", id="w1")["ok"]
    with bench.mailbox.quiet(), open("ledger.d/%010d.log" % bench.ledger._tail, "ab") as f:
        f.write(b"01234567 w")
    bench.boot()
    assert bench.send("brew", {"slot": 0}, id="b1")["ok"]
    bench.boot()
    assert bench.send("wake", id="w1")["ok"] and bench.send("brew", {"slot": 0}, id="b1")["ok"]
    assert not bench.mailbox.asked
    bench.close()


def test_a_default_set_point_is_in_force_at_once():
    bench = Bench()
    assert bench.send("config.put", {"brew_setpoint_mc": 91000}, id="s1")["ok"]
    assert bench.send("config.put", {"brew_setpoint_mc": 0}, id="s2")["ok"]
    assert bench.send("config.put", {"button_slot": 0}, id="s3")["ok"]
    assert [a[1] for a in asked(bench, names.REQ_SETPOINT)] == [91000, 93000]
    bench.close()


def test_settings_that_a_shot_refuses_are_not_kept():
    bench = Bench()
    bench.mailbox.answers[names.REQ_SETPOINT] = REFUSALS.index("busy") + 1  # it has just begun
    for n, name in enumerate(("setpoint", "config.put")):
        args = {"brew_mc" if name == "setpoint" else "brew_setpoint_mc": 91000}
        error(bench.send(name, args, id="s%d" % n), "busy")
        assert bench.config["brew_setpoint_mc"] == 0
    bench.close()


def test_characters_beyond_65535_come_as_utf_8():
    bench = Bench()
    put = b'{"id":"%s","deadline":%d,"args":{"slot":1,"recipe":{"name":"%s","temp_mc":92000,' \
          b'"volume_ul":36000%s}}}'
    for n, name, more in ((b"h1", b"\\ud83e\\udd5b", b""), (b"h2", b"\\uDD5B", b""),
                          (b"h3", b"Milk", b',"\\ud83e":1'), (b"h5", b"\xed\xa0\x80", b""),
                          (b"h6", b"\xc0\x80", b""), (b"h7", b"\xf4\x90\x80\x80", b""),
                          (b"h8", b"\xe0\x80\xaf", b"")):
        reply = json.loads(bench.commands.take(
            "recipe.put", put % (n, NOW_MS + 60000, name, more)))
        assert "UTF-8" in error(reply, "bad_encoding") and reply["id"] == n.decode(), reply
    milk = put % (b"h4", NOW_MS + 60000, "\\u00e9 \U0001f95b".encode(), b"")
    assert json.loads(bench.commands.take("recipe.put", milk))["ok"]
    assert bench.recipes.get("1")["name"] == "\u00e9 \U0001f95b"
    str(bench.recipes.message(), "utf-8")
    bench.close()


def signed(name, id, key, args=b"{}", machine=b"m1", deadline=NOW_MS + 60000):
    body = b'{"id":"%s","deadline":%s,"args":%s}' % (id, json.dumps(deadline).encode(), args)
    mac = hexlify(hmac_sha256(key, machine + b"/cmd/" + name + b"\n" + body))
    return body[:-1] + b',"mac":"' + mac + b'"}'


def test_a_site_that_wants_signatures_gets_no_unsigned_brew():
    key = b"the site's key"
    bench = locked(key)

    def take(name, payload):
        return json.loads(bench.commands.take(name, payload))

    error(bench.send("brew", {"slot": 0}), "missing", "mac")
    error(take("brew", signed(b"brew", b"m1", b"another key", b'{"slot":0}')), "bad_mac", "mac")
    good = signed(b"brew", b"m2", key, b'{"slot":0}')
    error(take("clean", good), "bad_mac", "mac")  # signed for another command
    error(take("brew", good.replace(b'"slot":0', b'"slot":1')), "bad_mac", "mac")
    error(take("brew", b'{"mac":"00","id":"m3","deadline":%d}' % NOW_MS), "bad_mac", "mac")
    error(take("brew", signed(b"brew", b"m4", key, b'{"slot":0}', b"m2")), "bad_mac", "mac")
    assert not asked(bench, names.REQ_BREW)
    assert take("brew", good)["ok"]
    assert bench.send("stop", id="s1")["ok"]  # anybody may stop
    for n, name in enumerate(NAMES):
        if name not in ("stop", "identify"):
            error(bench.send(name, id="u%d" % n), "missing", "mac")
    bench.close()


def locked(key):
    bench = Bench()
    import config

    with bench.mailbox.quiet():
        config.provision({"command_key": key.decode()})
    bench.boot()
    bench.clock.set_utc(NOW_MS)
    return bench


def tell_time(bench, id, key, utc_ms, boot=b""):
    args = b'{"utc_ms":%d%s}' % (utc_ms, boot)
    return json.loads(bench.commands.take("clock", signed(b"clock", id, key, args, deadline=None)))


def test_an_order_with_a_good_signature_cannot_be_repeated():
    key = b"the site's key"
    bench = locked(key)
    brew = signed(b"brew", b"b1", key, b'{"slot":0}')
    assert json.loads(bench.commands.take("brew", brew))["ok"]
    for n in range(140):  # what anybody may send does not push it out of the ledger
        assert bench.send("stop", id="y%d" % n)["ok"]
        assert bench.send("identify", id="i%d" % n)["ok"]
        bench.commands.step()
    assert json.loads(bench.commands.take("brew", brew))["ok"]
    assert len(asked(bench, names.REQ_BREW)) == 1
    bench.close()


def test_an_old_signed_clock_does_not_turn_time_back():
    key = b"the site's key"
    bench = locked(key)
    assert tell_time(bench, b"c1", key, NOW_MS + 3600000)["ok"]
    assert tell_time(bench, b"c2", key, NOW_MS + 3600000 - 59000)["ok"]  # two clocks differ
    message = error(tell_time(bench, b"c3", key, NOW_MS), "bad_value", "args.utc_ms")
    assert "args.boot" in message and bench.clock.utc_ms() > NOW_MS + 3500000
    other = b',"boot":%d' % (bench.clock.boot - 1)
    error(tell_time(bench, b"c4", key, NOW_MS, other), "bad_value", "args.utc_ms")
    assert tell_time(bench, b"c5", key, NOW_MS, b',"boot":%d' % bench.clock.boot)["ok"]
    assert bench.clock.utc_ms() < NOW_MS + 60000
    bench.close()


def test_after_a_reset_a_signed_clock_may_not_be_older_than_what_flash_remembers():
    import validity

    key = b"the site's key"
    bench = locked(key)
    with bench.mailbox.quiet():
        validity.keep_floor(NOW_MS)
    bench.clock._offset_ms = None
    error(tell_time(bench, b"c1", key, NOW_MS - 1), "bad_value", "args.utc_ms")
    assert not bench.clock.known
    assert tell_time(bench, b"c2", key, NOW_MS)["ok"]
    bench.close()


def test_hmac_is_that_of_rfc_4231():
    mac = hmac_sha256(b"\x0b" * 20, b"Hi There")
    assert hexlify(mac) == b"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    mac = hmac_sha256(b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First")
    assert hexlify(mac) == b"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"


def test_a_refused_order_is_no_shot_of_somebody_who_draws_water_meanwhile():
    # pressed while the order was being written: the tick holds the water back until LOUD
    for boots in (False, True):
        bench = Bench(safe=False)
        ask = bench.mailbox.ask

        def tap(request, *more):
            if request == names.REQ_BREW:
                bench.enter(names.HOT_WATER)
                bench.mailbox.answers[request] = REFUSALS.index("busy") + 1
            return ask(request, *more)

        bench.mailbox.ask = tap
        error(bench.send("brew", {"slot": 0}, id="b1"), "busy")
        bench.enter(names.READY)
        bench.pass_ms(2000)
        if boots:
            bench.boot("power")
            assert not bench.journalled("brew")
        bench.shot_starts()
        bench.pass_ms(200)
        bench.enter(names.BREWING)
        bench.shot_ends()
        bench.pass_ms(500)
        assert [(f["source"], f["command"]) for f in bench.journalled("brew")] == [
            ("local", None)]
        error(bench.send("brew", {"slot": 0}, id="b1"), "busy")
        bench.close()


def test_a_failing_flash_is_said_and_nothing_is_brewed():
    bench = Bench()
    flash = bench.board.flash
    flash.fails_at = flash.operations + 1
    error(bench.send("brew", {"slot": 0}), "flash")
    assert not asked(bench, names.REQ_BREW)
    flash.dead = False
    flash.fails_at = 0
    assert bench.send("brew", {"slot": 0}, id="a2")["ok"]
    bench.close()


def test_a_reply_that_cannot_be_kept_does_not_keep_the_outputs_off():
    bench = Bench()
    bench.board.flash.dead = True
    error(bench.send("wake", id="w1"), "flash")
    tried = bench.mailbox.quiets
    for _ in range(100):
        bench.pass_ms(100)
        assert bench.commands.step() is None
    tried = bench.mailbox.quiets - tried
    assert bench.ledger.waiting and 3 <= tried - bench.facts.flash_errors <= 6, tried
    bench.board.flash.dead = False
    bench.pass_ms(2000)
    bench.commands.step()
    assert not bench.ledger.waiting
    bench.close()


def test_recipes_that_a_newer_limit_forbids_are_not_brewed():
    bench = Bench()
    with bench.mailbox.quiet():
        hot = b'{"name":"Hot","temp_mc":99900,"volume_ul":36000}'
        files.replace("recipes", b'{"v":1,"rev":4,"slots":{"0":' + hot + b"}}")
    bench.boot()
    error(bench.send("brew", {"slot": 0}), "bad_recipe", "recipe.temp_mc")
    assert not bench.button.loaded
    bench.close()
