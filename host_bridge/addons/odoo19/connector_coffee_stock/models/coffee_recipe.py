from odoo import fields, models


class CoffeeRecipe(models.Model):
    _inherit = "coffee.recipe"

    bean_g = fields.Float("Beans (g)", digits=(16, 1), help="For one cup. 0: as the machine says.")
