"""What 19.0.1.5.0 kept otherwise."""


def migrate(cr, version):
    if not version:
        return
    # an archived machine took orders as if it were there
    cr.execute(
        "UPDATE coffee_backend SET state = 'checked' WHERE state = 'running' AND NOT active"
    )
