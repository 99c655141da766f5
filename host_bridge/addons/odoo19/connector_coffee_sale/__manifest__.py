# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Coffee Connector: sale",
    "summary": "Coffee machine brews as sales order lines",
    "version": "19.0.1.2.0",
    "category": "Connector",
    "license": "AGPL-3",
    "author": "Coffee Controller contributors",
    "website": "https://coffee-controller.example",
    "depends": ["connector_coffee", "sale"],
    "data": [
        "data/ir_cron.xml",
        "views/coffee_backend_views.xml",
        "views/coffee_brew_views.xml",
        "views/sale_order_views.xml",
    ],
    "auto_install": True,
}
