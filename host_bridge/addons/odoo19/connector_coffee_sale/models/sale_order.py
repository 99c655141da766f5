from odoo import fields, models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    coffee_backend_id = fields.Many2one(
        "coffee.backend",
        "Coffee Machine",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="connector_coffee.group_coffee_user",
    )

    def _add_brews(self, product, count):
        """The line of that drink, with so many cups more. Its price is the customer's."""
        self.ensure_one()
        same = self.order_line.filtered(lambda one: one.product_id == product)
        # one brew says which line is ours; the line's own list may hold a hundred thousand
        Brew = self.env["coffee.brew"]
        line = Brew.search([("sale_line_id", "in", same.ids)], limit=1).sale_line_id
        if line:
            line.product_uom_qty += count
            return line
        return line.create(
            {"order_id": self.id, "product_id": product.id, "product_uom_qty": count}
        )

    def action_coffee_brews(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Brews"),
            "res_model": "coffee.brew",
            "view_mode": "list,form",
            "domain": [("sale_line_id", "in", self.order_line.ids)],
        }


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    coffee_brew_ids = fields.One2many(
        "coffee.brew",
        "sale_line_id",
        "Brews",
        copy=False,
        groups="connector_coffee.group_coffee_user",
    )
