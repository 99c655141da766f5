from odoo import fields, models


class CoffeeRecipe(models.Model):
    _inherit = "coffee.recipe"

    bean_g = fields.Float(
        "Beans (g)", digits=(16, 1), help="For one cup. Leave at 0 to use the machine's setting."
    )

    _bean_g_sane = models.Constraint(
        "check(bean_g >= 0)", "Beans (g): a cup cannot take less than nothing; enter 0 or more."
    )
