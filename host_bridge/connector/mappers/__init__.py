"""Mappers: what all versions share in common.py, what one version does its own way in its module.

Importing this package registers them all.
"""

from host_bridge.connector.mappers import common, v1900, v2900

__all__ = ["common", "v1900", "v2900"]
