from odoo import fields, models


class CoffeeBooking(models.Model):
    _inherit = "coffee.booking"

    book = fields.Selection(
        selection_add=[("_sell", "A sales order line")], ondelete={"_sell": "cascade"}
    )
    sale_partner_id = fields.Many2one("res.partner", "Sold To", readonly=True, ondelete="restrict")
    sale_since = fields.Datetime("Sold Since", readonly=True)
