from lxml import etree

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..components.fact import Fact
from ..models.coffee_journal import advanced
from .common import PROFILE, UTC_MS, CoffeeCase


@tagged("post_install", "-at_install")
class TestPush(CoffeeCase):
    def test_each_model_takes_its_facts(self):
        facts = [
            self.brew(0),
            self.alarm(1),
            self.fact(
                "coffee.meter",
                2,
                {"day": "2026-01-01", "water_ul": str(2**40), "energy_j": 1, "grinds": 2,
                 "shots": 3},
            ),
            self.fact("coffee.maintenance", 3, {"code": "descale_due", "value": -1}),
            self.fact("coffee.event", 4, {"kind": "boot", "detail": {"cause": "power"}}),
        ]  # fmt: skip
        self.assertEqual(self.statuses(*facts), ["created"] * 5)
        self.assertEqual(self.statuses(*facts), ["unchanged"] * 5)
        self.assertEqual(self.record("coffee.meter", 2).water_ul, 2**40)
        self.assertEqual(self.record("coffee.event", 4).detail, {"cause": "power"})
        brew = self.record("coffee.brew", 0)
        self.assertEqual((brew.utc_ms, brew.volume_ml, brew.temp_c), (UTC_MS, 36.1, 93.0))

    def test_water_and_energy_add_up_by_day_and_machine(self):
        meter = {"day": "2026-01-01", "grinds": 2, "shots": 3}
        self.push(
            self.fact("coffee.meter", 1, {**meter, "water_ul": "1500000", "energy_j": 3_600_000}),
            self.fact("coffee.meter", 2, {**meter, "water_ul": "500000", "energy_j": 1_800_000}),
            self.fact("coffee.meter", 1, {**meter, "water_ul": "1", "energy_j": 36}, "right"),
        )
        found = self.env["coffee.meter"].with_user(self.user)._read_group(
            [("backend_id", "in", (self.left + self.right).ids)],
            ["day:day", "backend_id"],
            ["water_l:sum", "energy_kwh:sum"],
        )
        (_day, machine, water_l, energy_kwh), other = found
        self.assertEqual(machine, self.left)
        self.assertAlmostEqual(water_l, 2)
        self.assertAlmostEqual(energy_kwh, 1.5)
        self.assertEqual(other[1], self.right)

    def test_a_fleets_years_are_not_drawn_by_day(self):
        """73,000 fields, of 200 machines; who wants days chooses them, of fewer."""
        for name, interval in (
            ("brew_view_pivot", "month"),
            ("meter_view_pivot", "month"),
            ("meter_view_graph", "week"),
        ):
            view = etree.fromstring(self.env.ref(f"connector_coffee.coffee_{name}").arch)
            self.assertEqual(view.xpath("//field/@interval"), [interval], name)

    def test_codes_are_told_in_words(self):
        reasons = ("tray_full", "cup_missing", "sun_spots", None)
        self.push(*[self.brew(seq, reason=reason) for seq, reason in enumerate(reasons)])
        told = [self.record("coffee.brew", seq).why for seq in range(4)]
        self.assertEqual(told, ["Drip tray full", "Cup removed", "Sun spots", False])
        self.push(self.fact("coffee.maintenance", 4, {"code": "descale_due", "value": 1}))
        self.assertEqual(self.record("coffee.maintenance", 4).title, "Descaling is due")

    def test_a_descaling_that_is_due_is_for_a_person(self):
        asked = {"checkpoint": {"summary": "descaling is due: 60 l", "language": "en_US"}}
        self.push(self.fact("coffee.maintenance", 1, {"code": "descale_due", "value": 60}) | asked)
        self.assertEqual(
            self.record("coffee.maintenance", 1).checkpoint_id.summary,
            "Descaling is due on Left: 60 l since the last time",
        )

    def test_history_sent_again_leaves_a_record_as_it_is(self):
        self.push(self.brew(1))
        again = self.brew(1, volume_ul="1") | {"again": True}
        new = self.brew(2) | {"again": True}
        self.assertEqual(self.statuses(again, new), ["unchanged", "created"])
        self.assertEqual(self.record("coffee.brew", 1).volume_ul, 36100)

    def test_a_batch_of_many_machines_is_one_search_and_one_create_a_model(self):
        for number in range(20):
            self._machine(f"m{number}", "2900")
        batch = [self.brew(seq, f"m{seq % 20}") for seq in range(100)]
        self.push(*batch[:20])
        with self.queries_of("coffee_brew", inserts=1, selects=1):
            self.push(*batch)
        self.env.flush_all()
        self.env.invalidate_all()
        with self.queries_of("coffee_brew", inserts=0, selects=1):
            self.push(*batch)

    def test_a_changed_fact_writes_the_changed_field_only(self):
        self.push(self.brew(1))
        brew = self.record("coffee.brew", 1)
        with self.writes_of("coffee.brew") as written:
            self.assertEqual(self.statuses(self.brew(1, duration_ms=30000)), ["updated"])
        self.assertEqual(written, [{"duration_ms": 30000}])
        self.assertEqual(brew.duration_ms, 30000)

    def test_the_same_fact_twice_in_a_batch_is_one_record(self):
        answer = self.push(self.brew(1), self.brew(1))["results"]
        self.assertEqual([one["status"] for one in answer], ["created", "unchanged"])
        self.assertEqual(answer[0]["id"], answer[1]["id"])

    def test_a_2900_has_a_scale_and_a_1900_has_none(self):
        self.push(self.brew(1, "left"), self.brew(1, "right"))
        self.assertEqual(self.record("coffee.brew", 1, "left").weight_mg, 36000)
        self.assertEqual(self.record("coffee.brew", 1, "right").weight_mg, 0)

    def test_a_machine_without_a_version_is_read_by_the_generic_mapper(self):
        self.push(self.brew(1, "unheard-of"))
        self.assertEqual(self.record("coffee.brew", 1, "unheard-of").weight_mg, 0)

    def test_poison_is_isolated_and_kept(self):
        facts = [self.brew(seq) for seq in range(20)]
        facts[3] = self.brew(3, energy_j=-1)
        facts[11] = self.brew(11, source="by magic")
        answer = self.push(*facts)
        refused = [i for i, one in enumerate(answer["results"]) if one["status"] == "refused"]
        self.assertEqual(refused, [3, 11])
        self.assertIn("source: 'by magic' is unknown", answer["results"][11]["error"])
        rows = self.env["coffee.quarantine"].search([("backend_id", "=", self.left.id)])
        self.assertEqual(rows.mapped("state"), ["open", "open"])
        self.assertEqual(
            self.env["coffee.checkpoint"].search_count(
                [("res_model", "=", "coffee.quarantine"), ("res_id", "in", rows.ids)]
            ),
            2,
        )
        self.assertEqual(answer["cursors"][0]["seq"], "19")
        self.push(*facts)
        self.assertEqual(len(rows.search([("backend_id", "=", self.left.id)])), 2)

    def test_a_meter_below_zero_is_kept_apart_with_its_field(self):
        meter = {"day": "2026-01-01", "energy_j": 1, "grinds": 3, "shots": 3}
        good, bad = self.push(
            self.fact("coffee.meter", 1, meter | {"water_ul": "5"}),
            self.fact("coffee.meter", 2, meter | {"water_ul": "-5"}),
        )["results"]
        self.assertEqual((good["status"], bad["status"]), ("created", "refused"))
        self.assertIn("water_ul", bad["error"])

    def test_quarantine_is_tried_again_once_the_cause_is_cured(self):
        self.push(self.brew(1, source="by magic"))
        row = self.env["coffee.quarantine"].search([("machine", "=", "left")])
        row.with_user(self.manager).action_replay()
        self.assertEqual(row.state, "open")
        row.fact = self.brew(1)
        row.with_user(self.manager).action_replay()
        self.assertEqual(row.state, "replayed")
        self.assertTrue(self.record("coffee.brew", 1))

    def test_what_cannot_be_a_fact_is_refused_by_name(self):
        base = self.brew(1)
        for change, words in (
            ({"seq": "one"}, "seq: 'one' is not a whole number"),
            ({"journal": "../x"}, "journal:"),
            ({"values": "x"}, "values: not an object"),
            ({"model": ""}, "model: missing"),
        ):
            self.assertIn(words, Fact({**base, **change}).error)

    def test_numbers_may_be_text_and_must_fit(self):
        for value, words in (("12.5", "not a whole number"), (2**70, "out of range"), ([], "no")):
            (result,) = self.push(self.brew(1, volume_ul=value))["results"]
            self.assertIn(words, result["error"])
        (result,) = self.push(self.brew(2, temp_mean_mc=str(2**40)))["results"]
        self.assertIn("temp_mean_mc: 1099511627776 is out of range", result["error"])

    def test_an_id_is_never_empty_and_zero_is_one(self):
        self.assertEqual(self.statuses(self.brew(0)), ["created"])
        with self.left.work_on("coffee.recipe") as work:
            binder = work.component(usage="binder")
            for bad in ("", None, 0):
                with self.assertRaises(ValueError):
                    binder.to_internal(bad)
            self.assertFalse(binder.to_internal("0"))

    def test_an_unknown_machine_is_refused_where_that_is_set(self):
        self.env["ir.config_parameter"].set_param("connector_coffee.unknown_machine", "refuse")
        answer = self.push(self.brew(1, "stranger"), self.brew(1, "left"))["results"]
        self.assertEqual([one["status"] for one in answer], ["refused", "created"])
        self.assertIn("machine: stranger is unknown here", answer[0]["error"])
        row = self.env["coffee.quarantine"].search([("machine", "=", "stranger")])
        self.assertFalse(row.backend_id)

    def test_facts_before_the_import_date_are_not_wanted(self):
        self.left.import_from = "2026-01-02"
        self.assertEqual(
            self.push(self.brew(1))["results"], [{"id": 0, "status": "unchanged", "error": ""}]
        )
        self.assertFalse(self.record("coffee.brew", 1))
        later = self.brew(2, utc_ms=str(UTC_MS + 86_400_000))
        self.assertEqual(self.statuses(later), ["created"])

    def test_a_fact_without_time_is_told_as_such(self):
        self.push(self.brew(1, utc_ms=None))
        brew = self.record("coffee.brew", 1)
        self.assertFalse(brew.time_known)
        self.assertFalse(brew.happened_at)

    def test_a_time_once_known_stays(self):
        unknown = {"utc_ms": None, "time_known": False, "start_ms": None}
        self.push(self.brew(1), self.brew(2, **unknown))
        self.assertEqual(
            self.statuses(self.brew(1, **unknown), self.brew(2)), ["unchanged", "updated"]
        )
        self.assertEqual(self.record("coffee.brew", 1).utc_ms, UTC_MS + 1)
        self.assertTrue(self.record("coffee.brew", 2).time_known)

    def test_a_payload_may_be_text(self):
        self.assertEqual(Fact(self.brew(1, more={"payload": '{"x": null}'})).payload, {"x": None})

    def test_what_was_refused_once_and_comes_well_leaves_quarantine(self):
        self.push(self.brew(1, source="by magic"))
        self.push(self.brew(1))
        row = self.env["coffee.quarantine"].search([("machine", "=", "left")])
        self.assertEqual(row.state, "replayed")

    def test_a_brew_knows_its_drink_and_what_it_costs(self):
        self.left.accounting = "internal"
        self.api.import_recipes("left", 1, {"0": PROFILE})
        recipe = self.left.recipe_ids
        recipe.odoo_id.standard_price = 0.35
        self.push(self.brew(1))
        brew = self.record("coffee.brew", 1)
        self.assertEqual((brew.product_id, brew.amount), (recipe.odoo_id, 0.35))
        recipe.odoo_id.standard_price = 0.5
        self.assertEqual(self.statuses(self.brew(1)), ["unchanged"])
        self.assertEqual(brew.amount, 0.35)

    def test_too_many_facts_in_one_call(self):
        with self.assertRaises(UserError):
            self.push(*[{}] * 10_001)

    def test_the_cursor_is_the_highest_seq_without_a_hole(self):
        for before, seqs, after in (
            ((4, []), [5, 6], (6, [])),
            ((4, []), [7, 6], (4, [[6, 7]])),
            ((4, [[6, 7]]), [5], (7, [])),
            ((4, [[6, 7]]), [9, 2, 4], (4, [[6, 7], [9, 9]])),
            ((-1, []), [0], (0, [])),
        ):
            self.assertEqual(advanced(*before, seqs), after)

    def test_a_hole_nothing_fills_is_for_a_person(self):
        self.push(self.brew(1), self.brew(5))
        journal = self.left.journal_ids
        self.assertEqual((journal.seq, journal.ahead), (1, [[5, 5]]))
        Checkpoint = self.env["coffee.checkpoint"]
        about = [("coffee_id", "=", "lost/9f3a77aa/2-4")]
        journal._cron_gaps()
        self.assertFalse(Checkpoint.search(about))
        journal.hole_since = "2026-01-01 00:00:00"
        journal._cron_gaps()
        journal._cron_gaps()
        self.assertEqual(len(Checkpoint.search(about)), 1)
        self.assertEqual((journal.seq, journal.ahead or [], journal.hole_since), (5, [], False))
        self.push(self.brew(3), self.brew(8), self.brew(11))
        self.assertEqual((journal.seq, journal.ahead), (5, [[8, 8], [11, 11]]))
        for first, last in ((6, 7), (9, 10)):  # one after the other, each in its own time
            journal.hole_since = "2026-01-01 00:00:00"
            journal._cron_gaps()
            about = [("coffee_id", "=", f"lost/9f3a77aa/{first}-{last}")]
            self.assertEqual(len(Checkpoint.search(about)), 1)

    def test_a_time_that_is_none_is_one_facts_fault(self):
        facts = [self.brew(1), self.brew(2, utc_ms=str(2**62))]
        self.assertEqual(self.statuses(*facts), ["created", "refused"])

    def test_what_json_cannot_keep_is_one_facts_fault(self):
        for seq, odd in enumerate(("a\0b", "\ud800"), 1):
            fact = self.fact("coffee.event", seq, {"kind": "boot", "detail": {"x": [odd]}})
            self.assertEqual(self.statuses(fact, self.brew(seq + 10)), ["refused", "created"])
        rows = self.env["coffee.quarantine"].search([("machine", "=", "left")])
        self.assertEqual(rows.mapped("state"), ["open", "open"])

    def test_quarantine_learns_its_machine(self):
        self.env["ir.config_parameter"].set_param("connector_coffee.unknown_machine", "refuse")
        self.push(self.brew(1, "stranger"), self.brew(2, "stranger", source="by magic"))
        rows = self.env["coffee.quarantine"].search([("machine", "=", "stranger")])
        self.assertFalse(rows.backend_id)
        stranger = self._machine("stranger", "1900")
        self.push(self.brew(1, "stranger"), self.brew(2, "stranger", source="by magic"))
        self.assertEqual(rows.mapped("backend_id"), stranger)
        self.assertEqual(stranger.quarantine_count, 1)

    def test_an_update_refused_once_and_well_later_leaves_quarantine(self):
        self.push(self.brew(1))
        self.push(self.brew(1, energy_j=-1))
        row = self.env["coffee.quarantine"].search([("machine", "=", "left")])
        self.assertEqual(row.state, "open")
        self.push(self.brew(1))
        self.assertEqual(row.state, "replayed")

    def test_what_was_dropped_stays_dropped(self):
        self.push(self.brew(1, source="by magic"))
        row = self.env["coffee.quarantine"].search([("machine", "=", "left")])
        row.with_user(self.manager).action_drop()
        self.push(self.brew(1, source="by magic"))
        self.assertEqual(row.state, "dropped")

    def test_import_from_is_a_day_where_the_machine_is(self):
        self.left.write({"import_from": "2026-01-01", "pour_timezone": "Asia/Tokyo"})
        hour = 3_600_000
        first, before = str(UTC_MS - 8 * hour), str(UTC_MS - 10 * hour)
        self.push(self.brew(1, utc_ms=first), self.brew(2, utc_ms=before))
        self.assertTrue(self.record("coffee.brew", 1), "1 January, one o'clock in Tokyo")
        self.assertFalse(self.record("coffee.brew", 2))

    def test_a_brew_that_comes_after_its_slot_was_emptied_knows_its_drink(self):
        self.left.accounting = "price"
        self.api.import_recipes("left", 1, {"0": PROFILE})
        recipe = self.left.recipe_ids
        recipe.odoo_id.list_price = 2
        self.api.import_recipes("left", 2, {})
        self.assertFalse(recipe.active)
        self.push(self.brew(1))
        brew = self.record("coffee.brew", 1)
        self.assertEqual((brew.product_id, brew.amount), (recipe.odoo_id, 2))

    def test_a_seq_beyond_64_bits_is_one_facts_fault(self):
        self.assertEqual(self.statuses(self.brew(2**63), self.brew(1)), ["refused", "created"])

    def test_a_brew_that_was_aborted_is_worth_nothing(self):
        """As it is never sold; what it took of beans and water is stock's to know."""
        self.api.import_recipes("left", 1, {"0": PROFILE})
        drink = self.left.recipe_ids.odoo_id
        drink.write({"list_price": 1.5, "standard_price": 0.4})
        for accounting, amount, first in (("price", 1.5, 1), ("internal", 0.4, 4)):
            self.left.accounting = accounting
            self.push(
                self.brew(first),
                self.brew(first + 1, result="stopped"),
                self.brew(first + 2, result="aborted"),
            )
            brews = [self.record("coffee.brew", first + step) for step in range(3)]
            self.assertEqual([brew.amount for brew in brews], [amount, amount, 0], accounting)
            self.assertEqual(brews[2].product_id, drink)

    # --- currencies
    def other_company(self):
        """With a currency of which one is worth two of ours."""
        currency = self.env["res.currency"].create(
            {"name": "XCF", "symbol": "cf",
             "rate_ids": [(0, 0, {"name": "2020-01-01", "rate": 0.5, "company_id": False})]}
        )  # fmt: skip
        company = self.env["res.company"].create({"name": "Other", "currency_id": currency.id})
        self.env.company.currency_id.rate_ids.unlink()
        self.bridge_user.company_ids += company
        return company

    def test_what_was_earned_keeps_its_currency_when_the_machine_moves(self):
        self.left.accounting = "price"
        self.api.import_recipes("left", 1, {"0": PROFILE})
        drink = self.left.recipe_ids.odoo_id
        drink.list_price = 1.5
        self.push(self.brew(1))
        ours, other = self.env.company.currency_id, self.other_company()
        drink.company_id = False
        self.left.company_id = other
        self.push(self.brew(1, duration_ms=30000), self.brew(2), self.brew(3, slot="7"))
        self.env.invalidate_all()
        before, after, unknown = (self.record("coffee.brew", seq) for seq in (1, 2, 3))
        self.assertEqual((before.amount, before.currency_id), (1.5, ours))
        self.assertEqual((after.currency_id, unknown.currency_id), (other.currency_id,) * 2)

    def test_a_shared_drink_is_worth_the_same_in_another_currency(self):
        """Its price is in the first company's; its cost is each company's own."""
        other = self.other_company()
        for accounting, amount in (("price", 0.75), ("internal", 0.4)):
            self.left.accounting = accounting
            self.left.company_id = other
            if accounting == "price":
                self.api.import_recipes("left", 1, {"0": PROFILE})
            drink = self.left.recipe_ids.odoo_id
            drink.write({"company_id": False, "list_price": 1.5})
            drink.with_company(other).standard_price = 0.4
            seq = self.env["coffee.brew"].search_count([("backend_id", "=", self.left.id)])
            self.push(self.brew(seq))
            self.assertAlmostEqual(self.record("coffee.brew", seq).amount, amount)
