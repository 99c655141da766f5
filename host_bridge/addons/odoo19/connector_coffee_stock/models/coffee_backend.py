"""What the machine used leaves the stock: one move a product, machine and piece of the
cron's work, never one in the middle of an import."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import float_round

CONSUMES = (
    "company_id", "stock_location_id", "bean_product_id", "bean_default_g", "water_product_id",
)  # fmt: skip
"""Settings that say what leaves the stock, and where."""
BOOKS = ("_consume_beans", "_consume_water")
TAKEN = "[('is_storable', '=', True), ('tracking', '=', 'none')]"
"""Products a machine may take: nobody tells it which lot it has."""
PRODUCTS = ("bean_product_id", "water_product_id")


class CoffeeBackend(models.Model):
    _inherit = "coffee.backend"

    stock_location_id = fields.Many2one(
        "stock.location",
        "Taken From",
        domain="[('usage', '=', 'internal'), ('company_id', 'in', [company_id, False])]",
        check_company=True,
        ondelete="restrict",
        help="Leave empty if consumption should not move any stock.",
    )
    # restricted, all three: the database empties a field without a word, and the time since which
    # it counts would stay for what is chosen next
    bean_product_id = fields.Many2one(
        "product.product",
        "Beans",
        domain=TAKEN,
        check_company=True,
        ondelete="restrict",
    )
    bean_default_g = fields.Float(
        "Beans per Cup (g)",
        digits=(16, 1),
        default=18.0,
        help="Used when the recipe does not say otherwise.",
    )
    bean_since = fields.Datetime(
        "Beans Since",
        compute="_compute_since",
        store=True,
        copy=False,
        help="Earlier brews do not move any stock.",
    )
    water_product_id = fields.Many2one(
        "product.product",
        "Water",
        domain=TAKEN,
        check_company=True,
        ondelete="restrict",
    )
    water_since = fields.Datetime(
        compute="_compute_since",
        store=True,
        copy=False,
        help="Earlier use does not move any stock.",
    )

    bean_rest_g = fields.Float("Beans Not Yet Booked (g)", readonly=True, copy=False)
    water_rest_l = fields.Float("Water Not Yet Booked (l)", readonly=True, copy=False)

    _bean_default_g_sane = models.Constraint(
        "check(bean_default_g >= 0)",
        "Beans per Cup (g): a cup cannot take less than nothing; enter 0 or more.",
    )

    @api.depends("stock_location_id", "bean_product_id", "water_product_id")
    def _compute_since(self):
        now = fields.Datetime.now()
        for backend in self:
            there = backend.stock_location_id
            beans, water = there and backend.bean_product_id, there and backend.water_product_id
            backend.bean_since = bool(beans) and (backend.bean_since or now)
            backend.water_since = bool(water) and (backend.water_since or now)

    def write(self, vals):
        """What was used until now leaves the stock it was set to until now."""
        changing = self._changing(vals, CONSUMES).filtered("stock_location_id").sudo()
        changing._leave_to_book("connector_coffee_stock.cron_consume", *BOOKS)
        return super().write(vals)

    @api.constrains("stock_location_id")
    def _check_place(self):
        """The form offers no other, but a call or an imported file may name it."""
        for backend in self:
            place = backend.stock_location_id
            if place and place.usage != "internal":
                raise ValidationError(
                    self.env._(
                        "Taken From: %s holds no stock of yours. Choose an internal location.",
                        place.display_name,
                    )
                )

    @api.constrains(*PRODUCTS)
    def _check_products(self):
        for name in PRODUCTS:
            label = self._fields[name]._description_string(self.env)
            for product in self[name]:
                self._check_product(product, label)

    def _check_product(self, product, label):
        if not product.is_storable:
            raise ValidationError(
                self.env._(
                    "%(field)s: no stock is kept of %(product)s. Choose another product, or"
                    " switch on Track Inventory in this one.",
                    field=label,
                    product=product.display_name,
                )
            )
        if product.tracking != "none":
            raise ValidationError(
                self.env._(
                    "%(field)s: %(product)s is tracked by lots or serial numbers, and a machine"
                    " does not know which it takes. Choose a product that is tracked by"
                    " quantity.",
                    field=label,
                    product=product.display_name,
                )
            )

    @api.constrains(*PRODUCTS)
    def _check_units(self):
        for backend in self:
            gram = self.env.ref("uom.product_uom_gram")
            litre = self.env.ref("uom.product_uom_litre")
            for product, unit in (
                (backend.bean_product_id, gram),
                (backend.water_product_id, litre),
            ):
                if product and not product.uom_id._has_common_reference(unit):
                    raise ValidationError(
                        self.env._(
                            "%(product)s is measured in %(unit)s. Choose a product measured"
                            " in a unit like %(like)s.",
                            product=product.display_name,
                            unit=product.uom_id.name,
                            like=unit.name,
                        )
                    )

    @api.model
    def _cron_consume(self):
        used = [("stock_location_id", "!=", False)]
        machines = self.with_context(active_test=False).search(used)
        self._book_in_pieces(machines.with_context(active_test=True), *BOOKS)

    def _consume_beans_facts(self, terms):
        return terms.bean_since and (
            "coffee.brew", [("bean_move_id", "=", False), *self._since(terms.bean_since)]
        )  # fmt: skip

    def _consume_beans_part(self, brew):
        return brew.recipe_id

    def _consume_beans_others(self, recipe):
        return [("recipe_id", "!=", recipe.id)]

    def _consume_beans(self, brews, terms):
        grams = sum(brew.recipe_id.bean_g or terms.bean_default_g for brew in brews)
        gram = self.env.ref("uom.product_uom_gram")
        move = self._move(terms, terms.bean_product_id, grams, gram, "bean_rest_g")
        brews.bean_move_id = move
        return bool(move)

    def _consume_water_facts(self, terms):
        """By the machine's own meter, which counts rinsing and steam, too."""
        return terms.water_since and (
            "coffee.meter", [("water_move_id", "=", False), *self._since(terms.water_since)]
        )  # fmt: skip

    def _consume_water_part(self, meter):
        """Those that add up are booked together; before 19.0.1.6.0 one could be below zero."""
        return meter if meter.water_ul < 0 else meter.browse()

    def _consume_water_others(self, meter):
        return [("id", "!=", meter.id)] if meter else [("water_ul", "<", 0)]

    def _consume_water(self, meters, terms):
        litres = sum(meters.mapped("water_ul")) / 1e6
        litre = self.env.ref("uom.product_uom_litre")
        move = self._move(terms, terms.water_product_id, litres, litre, "water_rest_l")
        meters.water_move_id = move
        return bool(move)

    def _move(self, terms, product, quantity, unit, rest):
        """Done at once: it has been drunk. Stock may go below zero; a count will say so.

        Stock is kept in whole hundredths (of a kilogram, say); what is less waits in the field
        `rest` for the next time, so nothing is lost by rounding.
        """
        Move = self.env["stock.move"].with_company(terms.company_id)
        total = quantity + self[rest]
        digits = self.env["decimal.precision"].precision_get("Product Unit")
        whole = float_round(
            unit._compute_quantity(total, product.uom_id, round=False),
            precision_digits=digits,
            rounding_method="DOWN",
        )
        if not quantity or not whole:
            return Move
        self[rest] = total - product.uom_id._compute_quantity(whole, unit, round=False)
        uses = self.env["stock.location"].search(
            [("usage", "=", "production"), ("company_id", "in", [terms.company_id.id, False])],
            limit=1,
        )
        move = Move.create(
            {
                "product_id": product.id,
                "product_uom": product.uom_id.id,
                "product_uom_qty": whole,
                "location_id": terms.stock_location_id.id,
                "location_dest_id": uses.id,
                "company_id": terms.company_id.id,
                "origin": self.name,
            }
        )
        move._action_confirm()
        move.quantity = whole
        move.picked = True
        move._action_done()
        return move
