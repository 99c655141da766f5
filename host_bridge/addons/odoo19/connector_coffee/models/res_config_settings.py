from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    coffee_unknown_machine = fields.Selection(
        [
            ("draft", "Create a draft and a checkpoint"),
            ("refuse", "Refuse it and keep its facts in quarantine"),
        ],
        string="Unknown Machines",
        default="draft",
        config_parameter="connector_coffee.unknown_machine",
    )
