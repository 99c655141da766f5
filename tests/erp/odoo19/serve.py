"""An Odoo with connector_coffee to look around in, discarded at Ctrl-C: `make run-odoo`."""

from __future__ import annotations

import argparse
import sys
import time

from tests.erp.odoo19.install import InstallError
from tests.erp.odoo19.server import ADMIN, BRIDGE, OdooServer
from tests.erp.odoo19.template import cluster


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8069)
    arguments = parser.parse_args()
    try:
        with cluster() as ready, OdooServer(ready, "coffee", port=arguments.port) as odoo:
            print(f"Odoo {ready.odoo.version()}: {odoo.url}")
            print(f"Log in as {ADMIN[0]}, password {ADMIN[1]}. Point a bridge at it with:")
            print(f"  export COFFEE_GATEWAY_KIND=odoo COFFEE_GATEWAY_URL={odoo.url}")
            print(f"  export COFFEE_NAME={BRIDGE} COFFEE_GATEWAY_DATABASE={odoo.database}")
            print(f"  export COFFEE_GATEWAY_KEY={odoo.key}")
            print("Ctrl-C stops it and discards its database.", flush=True)
            while True:
                time.sleep(1)
    except KeyboardInterrupt:
        print("discarded")
    except InstallError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
