"""What 19.0.1.0.0 kept otherwise."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    if not version:
        return
    # an aborted brew counted as a drink here and was never sold
    cr.execute("UPDATE coffee_brew SET amount = 0 WHERE result = 'aborted' AND amount <> 0")
    # a bridge's key opened the machines of all companies: it keeps those it has machines of
    env = api.Environment(cr, SUPERUSER_ID, {"active_test": False})
    for bridge in env["coffee.bridge"].search([("user_id", "!=", False)]):
        if bridge.user_id.has_group("connector_coffee.group_coffee_bridge"):
            bridge.user_id.company_ids |= bridge.backend_ids.company_id
