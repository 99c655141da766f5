"""What 19.0.1.0.0 called otherwise."""

from odoo import SUPERUSER_ID, api

from odoo.addons.connector_coffee.upgrade import rename_cron


def migrate(cr, version):
    if not version:
        return
    rename_cron(
        api.Environment(cr, SUPERUSER_ID, {}),
        "connector_coffee_sale.cron_sell",
        "Coffee: add brews to sales orders",
        {"Coffee: brews into sales orders", "Café : préparations vers les commandes clients"},
    )
