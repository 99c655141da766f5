from odoo import fields, models


class CoffeeBrew(models.Model):
    _inherit = "coffee.brew"

    # gone with a deleted quotation, and then the brew is sold again
    sale_line_id = fields.Many2one(
        "sale.order.line",
        "Sold As",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        # who reads lines of orders: the page of an order's brews searches by it
        groups="sales_team.group_sale_salesman,account.group_account_invoice,"
        "account.group_account_readonly",
    )

    _not_sold_yet = models.Index(
        "(backend_id) WHERE sale_line_id IS NULL AND product_id IS NOT NULL"
    )
