"""What every record that came from a machine has."""

from odoo import fields, models


class CoffeeBinding(models.AbstractModel):
    _name = "coffee.binding"
    _inherit = "external.binding"
    _description = "Coffee Binding (abstract)"

    # odoo_id, where there is a record in Odoo to bind, is declared in the concrete model.
    # There is no index on backend_id alone: the unique key below serves it.
    backend_id = fields.Many2one(
        "coffee.backend", "Machine", required=True, ondelete="restrict", index=False
    )
    # text, because 0 is an id: recipe slot 0, brew 0
    coffee_id = fields.Char("ID on the Machine", required=True, copy=False)
    company_id = fields.Many2one(related="backend_id.company_id")
    checkpoint_id = fields.Many2one("coffee.checkpoint", compute="_compute_checkpoint_id")

    _coffee_unique = models.Constraint(
        "unique(backend_id, coffee_id)",
        "This machine already has a record with this ID.",
    )
    _coffee_id_given = models.Constraint(
        "check(coffee_id <> '')", "coffee_id: must not be empty; “0” is valid."
    )

    def _compute_checkpoint_id(self):
        found = self.env["coffee.checkpoint"].search(
            [("res_model", "=", self._name), ("res_id", "in", self.ids)]
        )
        # the first one found waits for a review, or is the newest
        by_record = {checkpoint.res_id: checkpoint for checkpoint in reversed(found)}
        for binding in self:
            binding.checkpoint_id = by_record.get(binding.id)

    def action_checkpoint(self):
        """The checkpoint about this record."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "coffee.checkpoint",
            "res_id": self.checkpoint_id.id,
            "view_mode": "form",
        }
