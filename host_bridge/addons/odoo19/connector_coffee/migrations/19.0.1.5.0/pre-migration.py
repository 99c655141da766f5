"""What 19.0.1.4.0 kept otherwise."""

from odoo import SUPERUSER_ID, api

BEFORE = (
    "['|', ('backend_id.company_id', 'in', company_ids), '&', ('backend_id', '=', False),"
    " ('create_uid.company_ids', 'in', company_ids)]"
)


def migrate(cr, version):
    if not version:
        return
    # nobody saw the quarantine of a bridge whose user was deleted; the data file makes it anew
    env = api.Environment(cr, SUPERUSER_ID, {})
    rule = env.ref("connector_coffee.rule_quarantine", raise_if_not_found=False)
    if rule and rule.domain_force == BEFORE:
        rule.unlink()
