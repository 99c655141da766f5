from odoo import fields, models


class ProductProduct(models.Model):
    _inherit = "product.product"

    coffee_recipe_ids = fields.One2many(
        "coffee.recipe",
        "odoo_id",
        "Coffee Machines",
        help="Slots that hold this drink.",
        groups="connector_coffee.group_coffee_user",
    )
