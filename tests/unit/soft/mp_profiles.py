# boards: coffee_2900
# Recipes of a machine with profiles: limits of a phase, the largest recipe, the factory's own; and
# the set-point of its steam boiler.
import json

import board
import live as names
import plan
import recipe_rules
from bench import Bench
from command import RECIPE_BYTES_MAX
from factory_recipes import RECIPES
from plan import Plan
from ramflash import Board
from recipes import BYTES_MAX, Recipes


def profile(phase=None, **changes):
    phases = [{"name": "fill", "flow_ul_s": 4000, "limit_pressure_mbar": 3000,
               "exit": {"pressure_over_mbar": 2500}},
              {"pressure_mbar": 9000, "ramp_ms": 2000, "exit": {"time_ms": 40000}}]
    if phase is not None:
        phases.append(phase)
    recipe = {"name": "P", "temp_mc": 93000, "stop": {"weight_mg": 36000}, "phases": phases}
    recipe.update(changes)
    return recipe


def fields(recipe):
    return [field for field, message in recipe_rules.check(recipe)[1]]


def test_the_factory_recipes_pass_and_fit():
    flash = Board()
    recipes = Recipes(Plan(), Plan(), {"button_slot": 0})
    for slot in RECIPES:
        clean, problems, ignored = recipe_rules.check(RECIPES[slot])
        assert clean == RECIPES[slot] and not problems and not ignored, (slot, problems, ignored)
        assert recipes.load(slot) == []
    assert len(recipes.message()) < BYTES_MAX // 2
    flash.close()


def test_a_profile_reaches_the_plan():
    flash = Board()
    recipes = Recipes(Plan(), Plan(), {"button_slot": 0})
    recipes.put("4", recipe_rules.check(profile(dose_ms=5000))[0])
    assert recipes.load("4") == []
    w = recipes._plan.words()
    assert (w[plan.DOSE_MS], w[plan.STOP_MG], w[plan.STOP_UL]) == (5000, 36000, plan.ABSENT)
    assert w[plan.PHASES] == 2 and w[plan.HEAD + plan.MODE] == plan.MODE_FLOW
    second = plan.HEAD + plan.PHASE
    assert w[second + plan.MODE] == plan.MODE_PRESSURE and w[second + plan.TARGET] == 9000
    assert w[second + plan.RAMP_MS] == 2000 and w[second + plan.X_MS] == 40000
    flash.close()


def test_what_a_profile_may_not_be_is_named():
    at = "recipe.phases[2]"
    for phase, wrong in (
        (7, at), ([], at), ({}, at),
        ({"exit": {"time_ms": 1}}, at),
        ({"pressure_mbar": 1, "flow_ul_s": 1, "exit": {"time_ms": 1}}, at),
        ({"pressure_mbar": 11001, "exit": {"time_ms": 1}}, at + ".pressure_mbar"),
        ({"flow_ul_s": 8001, "exit": {"time_ms": 1}}, at + ".flow_ul_s"),
        ({"flow_ul_s": "x", "exit": {"time_ms": 1}}, at + ".flow_ul_s"),
        ({"flow_ul_s": 1, "ramp_ms": 60001, "exit": {"time_ms": 1}}, at + ".ramp_ms"),
        ({"flow_ul_s": 1, "limit_flow_ul_s": 1, "exit": {"time_ms": 1}}, at + ".limit_flow_ul_s"),
        ({"flow_ul_s": 1, "limit_pressure_mbar": 11001, "exit": {"time_ms": 1}},
         at + ".limit_pressure_mbar"),
        ({"flow_ul_s": 1, "limit_pressure_mbar": 0, "exit": {"time_ms": 1}},
         at + ".limit_pressure_mbar"),
        ({"pressure_mbar": 1, "limit_flow_ul_s": 0, "exit": {"time_ms": 1}},
         at + ".limit_flow_ul_s"),
        ({"flow_ul_s": 1}, at + ".exit"), ({"flow_ul_s": 1, "exit": {}}, at + ".exit"),
        ({"flow_ul_s": 1, "exit": 3}, at + ".exit"),
        ({"flow_ul_s": 1, "exit": {"moon": 3}}, at + ".exit"),
        ({"flow_ul_s": 1, "exit": {"time_ms": 90001}}, at + ".exit.time_ms"),
        ({"flow_ul_s": 1, "exit": {"weight_mg": 250001}}, at + ".exit.weight_mg"),
        ({"flow_ul_s": 1, "exit": {"pressure_under_mbar": -1}}, at + ".exit.pressure_under_mbar"),
        ({"flow_ul_s": 1, "name": "", "exit": {"time_ms": 1}}, at + ".name"),
    ):
        assert wrong in fields(profile(phase)), (phase, fields(profile(phase)))
    assert fields(profile(stop={})) == fields(profile(stop=None)) == ["recipe.stop"]
    assert fields(profile(stop={"time_ms": 90001})) == ["recipe.stop.time_ms"]
    assert fields(profile(stop={"volume_ul": 1})) == ["recipe.stop.volume_ul"]
    assert fields(profile(phases=[])) == fields(profile(phases={})) == ["recipe.phases"]
    assert fields(profile(dose_ms=60001)) == ["recipe.dose_ms"]
    assert fields(profile(dose_ms=0)) == [] and fields(profile()) == []
    many = [{"flow_ul_s": 1, "exit": {"time_ms": 1}}] * (board.PHASES_MAX + 1)
    assert fields(profile(phases=many)) == ["recipe.phases"]


def test_the_longest_profile_fits_its_message_and_three_fit_the_slots():
    phase = {"name": "phase", "pressure_mbar": 9000, "ramp_ms": 20000, "limit_flow_ul_s": 4000,
             "exit": {"time_ms": 45000, "volume_ul": 36000}}
    recipe = profile(phases=[phase] * board.PHASES_MAX)
    clean, problems, ignored = recipe_rules.check(recipe)
    assert not problems and clean == recipe
    command = json.dumps({"id": "x" * 36, "deadline": 1796000000000,
                          "args": {"slot": 1, "recipe": recipe}}, separators=(",", ":"))
    assert len(command) <= RECIPE_BYTES_MAX, len(command)


def test_a_volumetric_recipe_brews_here_too():
    assert fields({"name": "L", "temp_mc": 92000, "volume_ul": 110000}) == []


def test_a_steam_set_point_goes_to_the_tick_and_to_flash():
    bench = Bench()
    for n, (name, args, told) in enumerate((
        ("setpoint", {"steam_mc": 120000}, (0, 120000)),
        ("config.put", {"steam_setpoint_mc": 130000}, (0, 130000)),
        ("config.put", {"steam_setpoint_mc": 0}, (0, board.STEAM_DEFAULT_MC)),
    )):
        assert bench.send(name, args, id="s%d" % n)["ok"]
        assert bench.mailbox.asked[-1][:3] == (names.REQ_SETPOINT,) + told, bench.mailbox.asked
        assert bench.config["steam_setpoint_mc"] == list(args.values())[0]
    bad = bench.send("setpoint", {"steam_mc": 135001}, id="s9")
    assert bad["error"]["field"] == "args.steam_mc"
    bench.close()
