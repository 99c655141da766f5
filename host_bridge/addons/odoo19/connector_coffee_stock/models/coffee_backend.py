"""What the machine used leaves the stock: one move a product, machine and piece of the
cron's work, never one in the middle of an import."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import float_round

CONSUMES = (
    "company_id", "stock_location_id", "bean_product_id", "bean_default_g", "water_product_id",
)  # fmt: skip
"""Settings that say what leaves the stock, and where."""


class CoffeeBackend(models.Model):
    _inherit = "coffee.backend"

    stock_location_id = fields.Many2one(
        "stock.location",
        "Taken From",
        domain="[('usage', '=', 'internal'), ('company_id', 'in', [company_id, False])]",
        check_company=True,
        help="Leave empty if consumption should not move any stock.",
    )
    bean_product_id = fields.Many2one(
        "product.product", "Beans", domain="[('is_storable', '=', True)]", check_company=True
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
        "product.product", "Water", domain="[('is_storable', '=', True)]", check_company=True
    )
    water_since = fields.Datetime(
        compute="_compute_since",
        store=True,
        copy=False,
        help="Earlier use does not move any stock.",
    )

    bean_rest_g = fields.Float("Beans Not Yet Booked (g)", readonly=True, copy=False)
    water_rest_l = fields.Float("Water Not Yet Booked (l)", readonly=True, copy=False)

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
        changing = self._changing(vals, CONSUMES)
        changing.filtered("stock_location_id").sudo()._book_used()
        return super().write(vals)

    @api.constrains("bean_product_id", "water_product_id")
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
        backends = self.with_context(active_test=False).search(used)
        backends.with_context(active_test=True)._book_in_pieces("_consume_beans", "_consume_water")

    def _book_used(self):
        self._book_each("_consume_beans")
        self._book_each("_consume_water")

    def _consume_beans(self, limit=None):
        self.ensure_one()
        if not self.bean_since:
            return 0
        brews = self.env["coffee.brew"].search(
            [("bean_move_id", "=", False), *self._since(self.bean_since)], order="id", limit=limit
        )
        grams = sum(brew.recipe_id.bean_g or self.bean_default_g for brew in brews)
        gram = self.env.ref("uom.product_uom_gram")
        move = self._move(self.bean_product_id, grams, gram, "bean_rest_g")
        if not move and len(brews) == limit:
            return self._consume_beans(2 * limit)  # too little together
        brews.bean_move_id = move
        return len(brews) if move else 0

    def _consume_water(self, limit=None):
        """By the machine's own meter, which counts rinsing and steam, too."""
        self.ensure_one()
        if not self.water_since:
            return 0
        meters = self.env["coffee.meter"].search(
            [("water_move_id", "=", False), *self._since(self.water_since)],
            order="id",
            limit=limit,
        )
        litres = sum(meters.mapped("water_ul")) / 1e6
        litre = self.env.ref("uom.product_uom_litre")
        move = self._move(self.water_product_id, litres, litre, "water_rest_l")
        if not move and len(meters) == limit:
            return self._consume_water(2 * limit)
        meters.water_move_id = move
        return len(meters) if move else 0

    def _move(self, product, quantity, unit, rest):
        """Done at once: it has been drunk. Stock may go below zero; a count will say so.

        Stock is kept in whole hundredths (of a kilogram, say); what is less waits in the field
        `rest` for the next time, so nothing is lost by rounding.
        """
        Move = self.env["stock.move"].with_company(self.company_id)
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
            [("usage", "=", "production"), ("company_id", "in", [self.company_id.id, False])],
            limit=1,
        )
        move = Move.create(
            {
                "product_id": product.id,
                "product_uom": product.uom_id.id,
                "product_uom_qty": whole,
                "location_id": self.stock_location_id.id,
                "location_dest_id": uses.id,
                "company_id": self.company_id.id,
                "origin": self.name,
            }
        )
        move._action_confirm()
        move.quantity = whole
        move.picked = True
        move._action_done()
        return move
