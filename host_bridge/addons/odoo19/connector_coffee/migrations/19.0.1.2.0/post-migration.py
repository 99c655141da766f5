"""What 19.0.1.1.0 kept otherwise."""


def migrate(cr, version):
    if not version:
        return
    # a brew's amount was in the currency of the company that has the machine at present
    cr.execute(
        "UPDATE coffee_brew AS brew SET currency_id = company.currency_id FROM coffee_backend"
        " AS backend JOIN res_company AS company ON company.id = backend.company_id"
        " WHERE backend.id = brew.backend_id AND brew.currency_id IS NULL"
    )
    # what has no revision was entered by hand and never taken by the machine
    cr.execute(
        "UPDATE coffee_recipe SET in_machine ="
        " rev IS NOT NULL AND (active OR sync_state <> 'synced')"
    )
