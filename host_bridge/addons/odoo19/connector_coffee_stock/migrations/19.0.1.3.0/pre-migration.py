"""What 19.0.1.2.0 kept otherwise."""


def migrate(cr, version):
    if not version:
        return
    # less than nothing was taken for an amount, and nothing of the machine could be booked
    cr.execute("UPDATE coffee_recipe SET bean_g = 0 WHERE bean_g < 0")
    cr.execute("UPDATE coffee_backend SET bean_default_g = 0 WHERE bean_default_g < 0")
