"""How Odoo speaks to a machine: through an order that the bridge fetches. Reading is not asked
for, machines say what they hold by themselves."""

from odoo.addons.component.core import Component


class CoffeeAdapter(Component):
    _name = "coffee.adapter"
    _inherit = ["base.backend.adapter.crud", "base.coffee"]
    _apply_on = "coffee.recipe"

    def create(self, coffee_id, recipe, binding):  # pylint: disable=method-required-super
        if self.withdraw(coffee_id):
            binding._slot_is_filled()
        return self._order("recipe.put", {"slot": coffee_id, "recipe": recipe}, binding)

    write = create

    def delete(self, coffee_id, binding=None):
        self.withdraw(coffee_id)
        return self._order("recipe.delete", {"slot": coffee_id}, binding)

    def _order(self, name, args, binding):
        order = {
            "backend_id": self.backend_record.id,
            "name": name,
            "args": args,
            "recipe_id": binding.id if binding else False,
            "user_id": self.env.uid,
            "deadline": False,
        }
        return self.env["coffee.command"].sudo().create(order)

    def withdraw(self, slot):
        """Takes back what no bridge has fetched yet for that slot: only the newest state counts.
        True: that was to empty the slot, which holds what it held."""
        older = self._waiting(slot).filtered(lambda one: not one.fetched_at)
        older.write({"state": "cancelled", "message": self.env._("Replaced by a newer change.")})
        return "recipe.delete" in older.mapped("name")

    def fills(self, slot):
        """A recipe for that slot is on its way to the machine."""
        fetched = self._waiting(slot).filtered("fetched_at")
        return "recipe.put" in fetched.mapped("name")

    def _waiting(self, slot):
        orders = self.env["coffee.command"].sudo().search(
            [
                ("backend_id", "=", self.backend_record.id),
                ("state", "=", "waiting"),
                ("name", "in", ["recipe.put", "recipe.delete"]),
            ]
        )
        return orders.filtered(lambda one: (one.args or {}).get("slot") == slot)
