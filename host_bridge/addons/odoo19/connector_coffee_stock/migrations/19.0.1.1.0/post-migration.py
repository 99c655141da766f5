"""19.0.1.0.0 had one beginning for both products."""


def migrate(cr, version):
    if not version:
        return
    for since in ("bean_since", "water_since"):
        cr.execute(
            f"UPDATE coffee_backend SET {since} = stock_since"
            f" WHERE {since} IS NOT NULL AND stock_since IS NOT NULL"
        )
