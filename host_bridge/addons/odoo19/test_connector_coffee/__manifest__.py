# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Coffee Connector: tests of extension",
    "summary": "Adds a version and one field both ways, as an integrator would. Not for use.",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "license": "AGPL-3",
    "author": "Coffee Controller contributors",
    "website": "https://coffee-controller.example",
    "depends": ["connector_coffee"],
}
