"""What 19.0.1.3.0 kept otherwise."""


def migrate(cr, version):
    if not version:
        return
    # beans, water or a location that was deleted left the time since which it was taken
    for product, since in (("bean_product_id", "bean_since"), ("water_product_id", "water_since")):
        cr.execute(
            f"UPDATE coffee_backend SET {since} = NULL"
            f" WHERE {product} IS NULL OR stock_location_id IS NULL"
        )
