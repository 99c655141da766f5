from odoo import fields, models


class CoffeeBrew(models.Model):
    _inherit = "coffee.brew"

    bean_move_id = fields.Many2one(
        "stock.move",
        "Bean Stock Move",
        readonly=True,
        copy=False,
        index="btree_not_null",
        groups="stock.group_stock_user",
    )

    _no_beans_yet = models.Index("(backend_id) WHERE bean_move_id IS NULL")
