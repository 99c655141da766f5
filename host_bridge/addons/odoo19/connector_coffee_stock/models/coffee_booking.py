from odoo import fields, models


class CoffeeBooking(models.Model):
    _inherit = "coffee.booking"

    book = fields.Selection(
        selection_add=[("_consume_beans", "Beans"), ("_consume_water", "Water")],
        ondelete={"_consume_beans": "cascade", "_consume_water": "cascade"},
    )
    stock_location_id = fields.Many2one(
        "stock.location", "Taken From", readonly=True, ondelete="restrict"
    )
    bean_product_id = fields.Many2one(
        "product.product", "Beans", readonly=True, ondelete="restrict"
    )
    bean_default_g = fields.Float("Beans per Cup (g)", readonly=True)
    bean_since = fields.Datetime("Beans Since", readonly=True)
    water_product_id = fields.Many2one(
        "product.product", "Water", readonly=True, ondelete="restrict"
    )
    water_since = fields.Datetime(readonly=True)
