from odoo import Command, fields, models


class CoffeeCheckpointReview(models.TransientModel):
    _name = "coffee.checkpoint.review"
    _description = "Review Checkpoints"

    checkpoint_ids = fields.Many2many(
        "coffee.checkpoint",
        default=lambda self: [Command.set(self.env.context.get("active_ids", []))],
    )
    note = fields.Text(help="Added to each checkpoint.")

    def action_review(self):
        waiting = self.checkpoint_ids.filtered(lambda one: one.state == "review")
        if self.note:
            for note, same in waiting.grouped("note").items():
                same.write({"note": f"{note}\n{self.note}" if note else self.note})
        waiting.action_review()
        return {"type": "ir.actions.act_window_close"}
