"""What a machine brewed is sold: lines of its open quotation, one a drink, by a cron and never in
the middle of an import."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CoffeeBackend(models.Model):
    _inherit = "coffee.backend"

    accounting = fields.Selection(
        selection_add=[("sale", "A sales order line")], ondelete={"sale": "set default"}
    )
    sale_partner_id = fields.Many2one(
        "res.partner",
        "Sold To",
        check_company=True,
        ondelete="restrict",
        help="The customer who pays for this machine's brews.",
    )
    sale_since = fields.Datetime(
        "Sold Since",
        compute="_compute_sale_since",
        store=True,
        copy=False,
        help="Earlier brews are not sold.",
    )

    @api.depends("accounting")
    def _compute_sale_since(self):
        for backend in self:
            if backend.accounting != "sale":
                backend.sale_since = False
            elif not backend.sale_since:
                backend.sale_since = fields.Datetime.now()

    def write(self, vals):
        """What was brewed until now is sold as it was set until now."""
        changing = self._changing(vals, ("accounting", "company_id", "sale_partner_id"))
        selling = changing.filtered(lambda one: one.accounting == "sale").sudo()
        selling._leave_to_book("connector_coffee_sale.cron_sell", "_sell")
        return super().write(vals)

    @api.constrains("accounting", "sale_partner_id")
    def _check_sale_partner(self):
        for backend in self:
            if backend.accounting == "sale" and not backend.sale_partner_id:
                raise ValidationError(
                    self.env._("Sold To: choose who buys the brews of %s.", backend.name)
                )

    @api.model
    def _cron_sell(self):
        machines = self.with_context(active_test=False).search([("accounting", "=", "sale")])
        self._book_in_pieces(machines.with_context(active_test=True), "_sell")

    def _sell_facts(self, terms):
        """A drink counts when it was not aborted, whoever stopped it."""
        Brew = self.env["coffee.brew"]
        return terms.sale_since and (
            Brew._name,
            [
                ("sale_line_id", "=", False),
                ("product_id", "!=", False),
                ("result", "not in", Brew._uncharged()),
                *self._since(terms.sale_since),
            ],
        )

    def _sell_part(self, brew):
        return brew.product_id

    def _sell_others(self, drink):
        return [("product_id", "!=", drink.id)]

    def _sell(self, brews, terms):
        order = self._open_order(terms)
        for product, cups in brews.grouped("product_id").items():
            cups.sale_line_id = order._add_brews(product, len(cups))
        return True

    def _open_order(self, terms):
        """The quotation that cups are added to, until somebody sends, confirms or cancels it."""
        Order = self.env["sale.order"]
        return Order.search(
            [
                ("coffee_backend_id", "=", self.id),
                ("company_id", "=", terms.company_id.id),
                ("partner_id", "=", terms.sale_partner_id.id),
                ("state", "=", "draft"),
            ],
            limit=1,
        ) or Order.create(
            {
                "partner_id": terms.sale_partner_id.id,
                "company_id": terms.company_id.id,
                "coffee_backend_id": self.id,
                "origin": self.name,
            }
        )
