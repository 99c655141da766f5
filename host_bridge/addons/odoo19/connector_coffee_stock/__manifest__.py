# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Coffee Connector: stock",
    "summary": "Beans and water used by coffee machines as stock moves",
    "version": "19.0.1.4.0",
    "category": "Connector",
    "license": "AGPL-3",
    "author": "Coffee Controller contributors",
    "website": "https://coffee-controller.example",
    "depends": ["connector_coffee", "stock"],
    "data": [
        "data/ir_cron.xml",
        "views/coffee_backend_views.xml",
        "views/coffee_recipe_views.xml",
    ],
    "auto_install": True,
}
