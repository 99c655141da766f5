from odoo import fields, models


class CoffeeRecipe(models.Model):
    _inherit = "coffee.recipe"

    bean_g = fields.Float("Beans (g)", digits=(16, 1), default=18.0, help="For one cup.")
