"""Import mappers of facts: the generic ones, and what one version does its own way."""

from datetime import date
from functools import cached_property

from odoo import fields
from odoo.addons.component.core import AbstractComponent, Component
from odoo.addons.connector.components.mapper import mapping
from odoo.addons.connector.exception import MappingError

from .fact import as_datetime

INT8 = 2**63
INT4 = 2**31


def integer(field, required=True):
    """Modifier: a whole number sent as number or as text; absent is 0 unless required."""

    def modifier(self, record, to_attr):
        value = record.get(field)
        if type(value) is int and -INT4 <= value < INT4:
            return value
        if value is None or value is False or value == "":
            if required:
                raise MappingError(f"{field}: missing; the machine must send it")
            return 0
        try:
            number = int(value)
            if isinstance(value, float) and number != value:
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            raise MappingError(f"{field}: {value!r} is not a whole number; send one") from None
        bits = INT8 if self.model._fields[to_attr].column_type[0] == "int8" else INT4
        if not -bits <= number < bits:
            raise MappingError(f"{field}: {number} is out of range; check the sensor")
        return number

    return modifier


def text(field, required=True):
    """Modifier: a text as it is; a number becomes one, so slot 0 is "0"."""

    def modifier(self, record, to_attr):
        value = record.get(field)
        if value is None or value is False or value == "":
            if required:
                raise MappingError(f"{field}: missing; the machine must send it")
            return False
        if "\x00" in str(value):
            raise MappingError(f"{field}: a NUL cannot be kept; remove it")
        return str(value)

    return modifier


def choice(field):
    """Modifier: one of the target field's values."""

    def modifier(self, record, to_attr):
        value = record.get(field)
        known = self.model._fields[to_attr].get_values(self.env)
        if value not in known:
            raise MappingError(f"{field}: {value!r} is unknown; use one of {', '.join(known)}")
        return value

    return modifier


def plain(field):
    """Modifier: the value as it came, for a direct mapping that names none."""

    def modifier(self, record, to_attr):
        return record.get(field) or False

    return modifier


class CoffeeImportMapper(AbstractComponent):
    """Collects the mappings of all it inherits from when it is used, not when it is built: what
    another module adds to a generic mapper reaches the mappers of every version. So `direct`
    names only what a class adds itself.
    """

    _name = "coffee.import.mapper"
    _inherit = ["base.import.mapper", "base.coffee"]
    _usage = "import.mapper"

    @cached_property
    def _plan(self):
        """([(modifier, target)], [(method, only on create)])."""
        direct, methods = {}, {}
        for cls in reversed(type(self).__mro__):
            for source, target in cls.__dict__.get("direct", ()):
                direct[target] = source if callable(source) else plain(source)
            methods.update(cls.__dict__.get("_map_methods") or {})
        return (
            [(modifier, target) for target, modifier in direct.items()],
            [(getattr(self, name), one.only_create) for name, one in methods.items()],
        )

    def _apply_with_options(self, map_record):
        source, for_create = map_record.source, self.options.for_create
        direct, methods = self._plan
        values = {target: modifier(self, source, target) for modifier, target in direct}
        for method, only_create in methods:
            if for_create or not only_create:
                values.update(method(source) or {})
        return self.finalize(map_record, values)


class FactMapper(AbstractComponent):
    """What every fact has. `record` is the bridge's values with the machine's own fact under
    "payload"; a module that wants one key more inherits the mapper and adds a `@mapping`."""

    _name = "coffee.fact.mapper"
    _inherit = "coffee.import.mapper"

    direct = [
        (integer("boot"), "boot"),
        (integer("uptime_ms"), "uptime_ms"),
        (integer("utc_ms", required=False), "utc_ms"),
    ]

    @mapping
    def identity(self, record):
        return {"backend_id": self.backend_record.id, "coffee_id": record["coffee_id"]}

    @mapping
    def time(self, record):
        utc_ms = integer("utc_ms", required=False)(self, record, "utc_ms")
        try:
            happened_at = as_datetime(utc_ms) if utc_ms else False
        except OverflowError:
            raise MappingError(f"utc_ms: {utc_ms} is not a time; send milliseconds") from None
        return {"time_known": bool(utc_ms), "happened_at": happened_at}


class BrewMapper(Component):
    _name = "coffee.brew.mapper"
    _inherit = "coffee.fact.mapper"
    _apply_on = "coffee.brew"

    direct = [
        (integer("shot"), "shot"),
        (text("slot"), "slot"),
        (integer("recipe_rev"), "recipe_rev"),
        (choice("source"), "source"),
        (text("command", required=False), "command"),
        (integer("start_uptime_ms"), "start_uptime_ms"),
        (integer("start_ms", required=False), "start_ms"),
        (integer("duration_ms", required=False), "duration_ms"),
        (integer("volume_ul", required=False), "volume_ul"),
        (integer("temp_mean_mc"), "temp_mean_mc"),
        (integer("energy_j", required=False), "energy_j"),
        (choice("result"), "result"),
        (text("reason", required=False), "reason"),
    ]

    @mapping
    def volume(self, record):
        return {"volume_ml": int(record.get("volume_ul") or 0) / 1000}

    @mapping
    def drink(self, record):
        """The slot's recipe and its product, and what the brew is worth."""
        recipe = self.work.recipes.get((self.backend_record.id, str(record["slot"])))
        worth = recipe and self._is_drink(record)
        return {
            "recipe_id": recipe.id if recipe else False,
            "product_id": recipe.odoo_id.id if recipe else False,
            "amount": self._amount(recipe.odoo_id) if worth else 0.0,
            "currency_id": self.backend_record.currency_id.id,
        }

    def _is_drink(self, record):
        return record["result"] not in self.model._uncharged()

    def _amount(self, product):
        accounting = self.backend_record.accounting
        if accounting == "none":
            return 0.0
        product = product.with_company(self.backend_record.company_id)
        if accounting == "internal":
            return self._ours(product.standard_price, product.cost_currency_id)
        return self._ours(product.lst_price, product.currency_id)

    def _ours(self, price, currency):
        """In the currency of the machine's company: a drink of no company has its price in that
        of the first one."""
        company = self.backend_record.company_id
        today = fields.Date.today()
        return currency._convert(price, company.currency_id, company, today, round=False)

    @mapping
    def order(self, record):
        return {"command_id": self.work.commands.get(record.get("command") or "", False)}


class BrewMapper2900(Component):
    """Pressure transducer and scale. A faulty sensor does not stop a brew, so each may lack."""

    _name = "coffee.brew.mapper.2900"
    _inherit = "coffee.brew.mapper"
    _apply_on = "coffee.brew"
    _backend_version = "2900"

    direct = [
        (integer("weight_mg", required=False), "weight_mg"),
        (integer("pressure_peak_mbar", required=False), "pressure_peak_mbar"),
        (integer("pressure_mean_mbar", required=False), "pressure_mean_mbar"),
    ]


class AlarmMapper(Component):
    _name = "coffee.alarm.mapper"
    _inherit = "coffee.fact.mapper"
    _apply_on = "coffee.alarm"

    direct = [(text("code"), "code"), (choice("severity"), "severity")]

    @mapping
    def flags(self, record):
        return {"raised": bool(record.get("raised")), "latched": bool(record.get("latched"))}


class MeterMapper(Component):
    _name = "coffee.meter.mapper"
    _inherit = "coffee.fact.mapper"
    _apply_on = "coffee.meter"

    direct = [
        (integer("water_ul"), "water_ul"),
        (integer("energy_j"), "energy_j"),
        (integer("grinds"), "grinds"),
        (integer("shots"), "shots"),
    ]

    @mapping
    def day(self, record):
        day = record.get("day")
        try:
            return {"day": date.fromisoformat(day) if day else False}
        except (TypeError, ValueError):
            raise MappingError(f"day: {day!r} is not a date; send YYYY-MM-DD") from None


class MaintenanceMapper(Component):
    _name = "coffee.maintenance.mapper"
    _inherit = "coffee.fact.mapper"
    _apply_on = "coffee.maintenance"

    direct = [(text("code"), "code"), (integer("value"), "value")]


class EventMapper(Component):
    _name = "coffee.event.mapper"
    _inherit = "coffee.fact.mapper"
    _apply_on = "coffee.event"

    direct = [(text("kind"), "kind")]

    @mapping
    def detail(self, record):
        detail = record.get("detail") or {}
        if not isinstance(detail, dict):
            raise MappingError("detail: not an object; send names and values")
        return {"detail": detail}
