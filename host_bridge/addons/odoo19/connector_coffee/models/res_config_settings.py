from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    coffee_unknown_machine = fields.Selection(
        [
            ("draft", "Becomes a draft with a checkpoint"),
            ("refuse", "Is refused; its facts wait in quarantine"),
        ],
        string="A Machine Nobody Entered",
        default="draft",
        config_parameter="connector_coffee.unknown_machine",
    )
