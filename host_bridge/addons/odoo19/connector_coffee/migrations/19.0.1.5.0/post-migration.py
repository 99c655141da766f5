"""What 19.0.1.4.0 kept otherwise."""

from odoo import SUPERUSER_ID, api

from odoo.addons.connector_coffee.upgrade import rename_cron

CRONS = {
    "cron_expire": (
        "Coffee: expire unanswered commands",
        {"Coffee: expire commands nobody answered"},
    ),
    "cron_gaps": (
        "Coffee: find gaps in journals",
        {"Coffee: look for gaps in journals"},
    ),
    "cron_silent": (
        "Coffee: set machines of silent bridges offline",
        {
            "Coffee: machines of a silent bridge are not online",
            "Café : les machines d'un pont muet ne sont pas en ligne",
        },
    ),
}


def migrate(cr, version):
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    for name, (now, old) in CRONS.items():
        rename_cron(env, f"connector_coffee.{name}", now, old)
    # whose a fact in quarantine is was only known by the bridge's user
    cr.execute(
        "UPDATE coffee_quarantine AS held SET bridge_company_id = caller.company_id"
        " FROM res_users AS caller WHERE caller.id = held.create_uid"
    )
    # and where that user is gone, there can be no doubt if there is one company only
    cr.execute(
        "UPDATE coffee_quarantine SET bridge_company_id = (SELECT id FROM res_company)"
        " WHERE create_uid IS NULL AND (SELECT count(*) FROM res_company) = 1"
    )
