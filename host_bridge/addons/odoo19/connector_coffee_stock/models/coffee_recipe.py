from odoo import fields, models


class CoffeeRecipe(models.Model):
    _inherit = "coffee.recipe"

    bean_g = fields.Float(
        "Beans (g)", digits=(16, 1), help="For one cup. Leave at 0 to use the machine's setting."
    )
