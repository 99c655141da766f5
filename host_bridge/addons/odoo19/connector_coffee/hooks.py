def uninstall_hook(env):
    """What Odoo would leave behind: jobs of models that are no longer there, so that the list of
    jobs could not be opened any more, and the bridges' users with keys that work. *Connect a
    Bridge* lets such a user in again after a new installation."""
    env["queue.job"].search([("model_name", "=like", "coffee.%")]).unlink()
    group = env.ref("connector_coffee.group_coffee_bridge")
    bridges = group.user_ids.filtered(lambda user: user.group_ids == group)
    env["res.users.apikeys"].search([("user_id", "in", bridges.ids)])._remove()
    bridges.active = False
