"""Fixtures of real ERP servers. What is missing is an error with its cure, never a skip."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.erp.odoo19.server import OdooServer
from tests.erp.odoo19.template import Cluster, cluster


@pytest.fixture(scope="session")
def odoo_cluster() -> Iterator[Cluster]:
    """Odoo installed, PostgreSQL running, the templates in it."""
    with cluster() as ready:
        yield ready


@pytest.fixture(scope="module")
def odoo_server(odoo_cluster: Cluster) -> Iterator[OdooServer]:
    """One running Odoo for the tests of a file."""
    with OdooServer(odoo_cluster, "coffee_shared") as server:
        yield server


@pytest.fixture
def odoo(odoo_cluster: Cluster) -> Iterator[OdooServer]:
    """A running Odoo with a database of this test alone."""
    with OdooServer(odoo_cluster) as server:
        yield server
