from odoo import fields, models


class CoffeeMeter(models.Model):
    _inherit = "coffee.meter"

    water_move_id = fields.Many2one(
        "stock.move",
        "Water Stock Move",
        readonly=True,
        copy=False,
        index="btree_not_null",
        groups="stock.group_stock_user",
    )

    _no_water_yet = models.Index("(backend_id) WHERE water_move_id IS NULL")
