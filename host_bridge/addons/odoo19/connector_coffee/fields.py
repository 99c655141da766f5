"""A whole number of 64 bits: milliseconds since 1970 and microlitres pass 2^31."""

from odoo import fields


class BigInteger(fields.Integer):
    """Stored as int8. Over XML-RPC, which ends at 2^31, Odoo sends such numbers as floats."""

    _column_type = ("int8", "int8")
