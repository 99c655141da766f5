"""What 19.0.1.1.0 called otherwise."""

from odoo import SUPERUSER_ID, api

from odoo.addons.connector_coffee.upgrade import rename_cron


def migrate(cr, version):
    if not version:
        return
    rename_cron(
        api.Environment(cr, SUPERUSER_ID, {}),
        "connector_coffee_stock.cron_consume",
        "Coffee: deduct beans and water from stock",
        {"Coffee: take beans and water from stock", "Café : prendre grains et eau du stock"},
    )
