"""Whole numbers: of 64 bits (ms since 1970 and microlitres pass 2^31), and in a range."""

from odoo import fields
from odoo.exceptions import ValidationError


class BigInteger(fields.Integer):
    """Stored as int8. Over XML-RPC, which ends at 2^31, Odoo sends such numbers as floats."""

    _column_type = ("int8", "int8")


def check_ranges(records, ranges):
    """Raises ValidationError with the label of the first field that is out of its range.

    :param ranges: {field: (least, most)}
    """
    for record in records:
        for name, (least, most) in ranges.items():
            if not least <= record[name] <= most:
                raise ValidationError(
                    record.env._(
                        "%(field)s: enter a number from %(least)s to %(most)s.",
                        field=record.fields_get([name])[name]["string"],
                        least=least,
                        most=most,
                    )
                )
