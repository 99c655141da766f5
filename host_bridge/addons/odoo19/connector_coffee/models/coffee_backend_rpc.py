"""What the bridge calls, and nothing else does. Each call is one transaction; a call that failed
as a whole wrote nothing and may be repeated.

Every public method here checks the caller's group and goes on as superuser: the bridge's user has
no access rights at all (see security/), so these methods are all it can do. Record rules do not
bind a superuser, so each method looks itself that a machine is of a company the caller is in.
"""

import zlib
from collections import defaultdict

from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.release import version as SERVER_VERSION

from ..components.fact import Fact, as_datetime

PROTOCOL = 1
LOCK_SPACE = 0x0C0FFEE
FACTS_MAX = 10_000
FIRST_SEEN = "machine"
"""Under this id the bridge knows the checkpoint of a new machine, too."""


class CoffeeBackend(models.Model):
    _inherit = "coffee.backend"

    # --- the calls
    @api.model
    def hello(self, bridge, protocol):
        """Says who is here; raises with the cure when the two cannot work together."""
        self = self._enter()
        if protocol != PROTOCOL:
            raise UserError(
                self.env._(
                    "protocol: the bridge speaks %(theirs)s, this addon %(ours)s; upgrade"
                    " the older of the two",
                    theirs=protocol,
                    ours=PROTOCOL,
                )
            )
        self.env["coffee.bridge"]._heard(_text(self.env, bridge, "bridge"))
        module = self.env["ir.module.module"].search([("name", "=", "connector_coffee")])
        return {
            "protocol": PROTOCOL,
            "addon": module.installed_version,
            "server": SERVER_VERSION,
            "company": self.env.company.name,
        }

    @api.model
    def push(self, bridge, facts):
        """Facts into records: {"results": one a fact in order, "cursors": one a journal}."""
        self = self._enter(facts)
        return self._push(
            facts, self.env["coffee.bridge"]._heard(_text(self.env, bridge, "bridge"))
        )

    @api.model
    def save_backends(self, drafts, bridge=""):
        """Creates or updates machines; never empties what is known. One that the settings refuse,
        or of another company, is answered without id, in state "refused"."""
        self = self._enter(drafts)
        known = self._known_or_drafts([draft["machine"] for draft in drafts])
        heard = self.env["coffee.bridge"]._heard(bridge) if bridge else None
        answers = []
        for draft in drafts:
            backend = known.get(draft["machine"], self.browse())
            if backend:
                backend._learn(draft, heard)
            answers.append(
                {
                    "id": backend.id,
                    "machine": draft["machine"],
                    "version": backend.version or "",
                    "language": backend.default_lang_id.code or "",
                    "state": backend.state or "refused",
                }
            )
        return answers

    @api.model
    def presence(self, states):
        """Which machines are online, since when, with which alarms."""
        self = self._enter(states)
        known = self._by_machine([state["machine"] for state in states])
        for state in states:
            backend = known.get(state["machine"])
            if not backend or backend._is_foreign():
                continue
            seen_ms = int(state.get("last_seen_ms") or 0)
            values = {"online": bool(state.get("online"))}
            if seen_ms:
                values["last_seen_ms"] = seen_ms
                values["last_seen"] = as_datetime(seen_ms)
            if isinstance(state.get("alarms"), list):
                values["alarm_codes"] = state["alarms"]
            backend._write_changed(values)
        return True

    @api.model
    def import_recipes(self, machine, rev, slots):
        """The machine's slots as it holds them; a slot that is not there is empty."""
        self = self._enter([{"machine": machine}])
        backend = self._known_or_drafts([machine]).get(machine)
        if not backend:
            there = self._by_machine([machine])
            error = self._foreign(machine) if there else self._refusal(machine)
            return [{"slot": slot, "id": 0, "status": "refused", "error": error} for slot in slots]
        with backend.work_on("coffee.recipe") as work:
            return work.component(usage="batch.importer").run(int(rev), slots)

    @api.model
    def add_checkpoints(self, drafts):
        """Ids in the order given; one that exists is returned as it is. Those of a machine that
        the settings refuse, or of another company, are passed over."""
        self = self._enter(drafts)
        known = self._known_or_drafts([draft["machine"] for draft in drafts])
        drafts = [draft for draft in drafts if draft["machine"] in known]
        return (
            self.env["coffee.checkpoint"]
            ._add(
                [
                    {
                        "backend_id": known[draft["machine"]].id,
                        "model": draft["model"],
                        "coffee_id": draft["coffee_id"],
                        "summary": draft["summary"],
                        "res_id": draft.get("record_id")
                        or (draft["model"] == self._name and known[draft["machine"]].id),
                    }
                    for draft in drafts
                ]
            )
            .ids
        )

    @api.model
    def fetch_orders(self, bridge, limit, known=()):
        """What people want of machines but the orders that the bridge has (`known`), and whether
        this Odoo is busy."""
        self = self._enter()
        heard = self.env["coffee.bridge"]._heard(_text(self.env, bridge, "bridge"))
        return {
            "orders": self.env["coffee.command"]._fetch(heard, int(limit), known),
            "pour": self._pour(),
        }

    @api.model
    def finished(self, done):
        """How orders ended, the newest last: of a recipe that one counts. Unknown ones (a restored
        database) are nobody's business."""
        self = self._enter()
        ends = {end["id"]: end for end in done}
        ours = [("uid", "in", list(ends)), ("company_id", "in", self.env.user.company_ids.ids)]
        self.env["coffee.command"].search(ours, order="id")._finish(ends)
        return True

    @api.model
    def reviewed(self, bridge, open):  # pylint: disable=redefined-builtin
        """Those of the bridge's open checkpoints that are done or unknown here, and by whom. Of
        another company's machine nothing is said."""
        self = self._enter()
        known = self._by_machine({key["machine"] for key in open})
        return self.env["coffee.checkpoint"]._no_longer_open(
            [key for key in open
             if key["machine"] not in known or not known[key["machine"]]._is_foreign()]
        )  # fmt: skip

    # --- entering
    def _enter(self, rows=()):
        """The bridge's user as superuser, in a transaction that sees what others have finished.

        Odoo's transactions are REPEATABLE READ, and the snapshot is older than any lock we could
        wait for. So while nothing has been written yet, a READ COMMITTED one is begun in its
        place and the machines of `rows` are locked in it until commit: many bridges may push the
        same fact at once, one creates it, the others find it. When something has been written
        (push called by other code), the transaction stays and `ConcurrencyError` repeats it.
        """
        if not self.env.user.has_group("connector_coffee.group_coffee_bridge"):
            raise AccessError(
                self.env._(
                    "User %s is not a bridge. Create one under Coffee > Configuration >"
                    " Connect a Bridge and give the bridge its key.",
                    self.env.user.login,
                )
            )
        # in place of the caller's; pylint: disable=context-overridden
        backends = self.sudo().with_context(self._entered_context())
        self.env.flush_all()
        cr = self.env.cr
        cr.execute("SELECT pg_current_xact_id_if_assigned() IS NULL")
        if cr.fetchone()[0]:
            cr.rollback()
            self.env.invalidate_all()
            cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        machines = {_text(self.env, row.get("machine"), "machine") for row in rows}
        # in one order everywhere, or two calls could wait for each other
        keys = sorted({zlib.crc32(machine.encode()) - 2**31 for machine in machines})
        if keys:
            cr.execute("SELECT pg_advisory_xact_lock(%s, key) FROM unnest(%s) AS key",
                       (LOCK_SPACE, keys))  # fmt: skip
        return backends

    def _entered_context(self):
        """Of what the caller's context says only the language counts. As superuser, any
        `default_…` would be written and any company taken for the caller's own."""
        user = self.env.user
        return {
            "lang": self.env.context.get("lang"),
            "allowed_company_ids": (user.company_id | user.company_ids).ids,
            "tracking_disable": True,
            "connector_no_export": True,
        }

    def _by_machine(self, machines):
        found = self.with_context(active_test=False).search([("machine", "in", list(machines))])
        return {backend.machine: backend.with_context(active_test=True) for backend in found}

    def _refuses_unknown(self):
        policy = self.env["ir.config_parameter"].get_param("connector_coffee.unknown_machine")
        return policy == "refuse"

    def _refusal(self, machine):
        return self.env._(
            "machine: %s is unknown here; create it under Coffee > Machines, or allow drafts"
            " of unknown machines in the settings",
            machine,
        )

    def _is_foreign(self):
        """Whether it is of a company the caller is not in; Odoo itself is in all."""
        self.ensure_one()
        user = self.env.user
        return user.id != SUPERUSER_ID and self.company_id not in user.company_ids

    def _foreign(self, machine):
        """Begins as `_refusal`: the bridge sends the facts again once the machine is let in."""
        return self.env._(
            "machine: %(machine)s belongs to another company than %(user)s; allow that user"
            " into it, or generate a new key and add the company under Also Serves (Coffee >"
            " Configuration > Connect a Bridge)",
            machine=machine,
            user=self.env.user.name,
        )

    def _known_or_drafts(self, machines):
        """The caller's backends by machine; new ones are made, unless the settings refuse that."""
        known = self._by_machine(machines)
        if not self._refuses_unknown():
            for machine in machines:
                if machine not in known:
                    known[machine] = self._new_draft(machine)
        return {name: backend for name, backend in known.items() if not backend._is_foreign()}

    def _new_draft(self, machine):
        """Raises ValidationError for a name that is none, UserError where drafts are refused."""
        if self._refuses_unknown():
            raise UserError(self._refusal(machine))
        backend = self.create({"name": machine, "machine": machine})
        self.env["coffee.checkpoint"]._add(
            [
                {
                    "backend_id": backend.id,
                    "model": self._name,
                    "coffee_id": FIRST_SEEN,
                    "res_id": backend.id,
                    "summary": self.env._(
                        "New machine %s: check its connection and start it", machine
                    ),
                }
            ]
        )
        return backend

    def _learn(self, draft, heard=None):
        """What the bridge knows of the machine. A version that is none here stays empty: its
        facts are read by the generic mappers until a module adds it."""
        values = {
            name: draft[name] for name in ("version", "serial", "firmware") if draft.get(name)
        }
        if values.get("version") not in dict(self._select_versions()):
            values.pop("version", None)
        if draft.get("language") and not self.default_lang_id:
            lang = self.env["res.lang"]._lang_get(draft["language"])
            if lang:
                values["default_lang_id"] = lang.id
        if heard:
            values["bridge_id"] = heard.id
        self._write_changed(values)

    def _write_changed(self, values):
        changed = {
            name: value
            for name, value in values.items()
            if (self._held(name) or False) != (value or False)
        }
        if changed:
            self.write(changed)

    # --- push
    @api.model
    def _push(self, raw_facts, bridge=None):
        """As `push`, already entered."""
        if len(raw_facts) > FACTS_MAX:
            raise UserError(self.env._("facts: at most %s in one call", FACTS_MAX))
        facts = [Fact(raw) for raw in raw_facts]
        self._resolve_machines(facts, bridge)
        for (model, _version), group in _grouped(facts).items():
            backends = self.union(*(fact.backend for fact in group))
            with backends[:1].work_on(model) as work:
                work.component(usage="batch.importer").run(group)
        self.env["coffee.quarantine"]._keep([f for f in facts if f.error and not f.foreign])
        self.env["coffee.quarantine"]._release([f for f in facts if f.id])
        self.env["coffee.checkpoint"]._add([c for fact in facts for c in fact.checkpoints()])
        return {
            "results": [fact.result() for fact in facts],
            "cursors": self._advance_journals(facts),
        }

    def _resolve_machines(self, facts, bridge):
        known = self._by_machine({fact.machine for fact in facts})
        for fact in facts:
            backend = known.get(fact.machine)
            if backend and backend._is_foreign():
                fact.refuse_foreign(self._foreign(fact.machine))
            if fact.error:
                continue
            if backend is None:
                try:
                    with self.env.cr.savepoint():
                        backend = known[fact.machine] = self._new_draft(fact.machine)
                except UserError as error:
                    fact.refuse(str(error))
                    continue
            fact.backend = backend
            if fact.model not in self._fact_models():
                fact.refuse(
                    f"model: {fact.model} is unknown here; upgrade connector_coffee or install"
                    " the module that adds it"
                )
        if bridge:
            for backend in known.values():
                if backend.bridge_id != bridge and not backend._is_foreign():
                    backend.bridge_id = bridge

    @api.model
    def _fact_models(self):
        """Models a fact may become; another module adds its own."""
        return {
            "coffee.brew",
            "coffee.alarm",
            "coffee.meter",
            "coffee.maintenance",
            "coffee.event",
        }

    def _advance_journals(self, facts):
        """Imported, refused (quarantine holds it) or not wanted: it is held either way."""
        held = defaultdict(list)
        for fact in facts:
            if fact.backend and fact.seq is not None:
                held[fact.backend, fact.journal].append(fact.seq)
        if not held:
            return []
        Journal = self.env["coffee.journal"]
        known = {
            (journal.backend_id, journal.name): journal
            for journal in Journal.search(
                [
                    ("backend_id", "in", list({backend.id for backend, _name in held})),
                    ("name", "in", list({name for _backend, name in held})),
                ]
            )
        }
        fresh = [key for key in held if key not in known]
        created = Journal.create(
            [
                {
                    "backend_id": backend.id,
                    "name": name,
                    "first_seq": min(held[backend, name]),
                    "seq": min(held[backend, name]) - 1,
                }
                for backend, name in fresh
            ]
        )
        known.update(zip(fresh, created, strict=True))
        for key, seqs in held.items():
            known[key]._advance(seqs)
        return [
            {"machine": backend.machine, "journal": name, "seq": str(known[backend, name].seq)}
            for backend, name in held
        ]


def _grouped(facts):
    """Facts that can be imported, by model and version: each group is one search, one create."""
    groups = defaultdict(list)
    for fact in facts:
        if not fact.error:
            groups[fact.model, fact.backend.version].append(fact)
    return groups


def _text(env, value, name):
    if not isinstance(value, str) or not value:
        raise ValidationError(
            env._("%(name)s: %(value)r is not a name; send text", name=name, value=value)
        )
    return value
