"""A recipe changed by a person is exported by a job, after the transaction that changed it."""

from odoo.addons.component.core import Component
from odoo.addons.component_event import skip_if


def _quiet(self, record, *args, **kwargs):
    return record.env.context.get("connector_no_export")


def _idle(self, record, *args, **kwargs):
    return _quiet(self, record) or record.backend_id.state != "running"


class RecipeExportListener(Component):
    _name = "coffee.recipe.export.listener"
    _inherit = ["base.connector.listener", "base.coffee"]
    _apply_on = ["coffee.recipe"]

    @skip_if(_idle)
    def on_record_create(self, record, fields=None):
        record._delay_export()

    @skip_if(_quiet)
    def on_record_write(self, record, fields=None):
        if record._export_fields() & set(fields or ()):
            record.with_context(connector_no_export=True).sync_state = "pending"
            if record.backend_id.state == "running":
                record._delay_export()

    @skip_if(_idle)
    def on_record_unlink(self, record):
        if record.active and record._may_be_there():
            recipes = record.browse().with_delay(description=self.env._("Empty a recipe slot"))
            recipes.export_delete_record(record.backend_id, record.coffee_id)
