"""The embedded store's tables. Column names are the field names the mappers give.

Every binding table has the same head; `unique (backend_id, coffee_id)` is what makes an import
repeatable. An index on backend_id alone (with the row's id, as any) is only where the newest of
one machine are asked for among very many: the unique key serves the rest. A change here needs a
new VERSION and the statements in UPGRADES that bring an older file up to it.
"""

from __future__ import annotations

from typing import Final

from host_bridge.gateway.port import ALARM, BREW, EVENT, MAINTENANCE, METER, RECIPE

_HEAD: Final = """
  id INTEGER PRIMARY KEY,
  backend_id INTEGER NOT NULL REFERENCES coffee_backend ON DELETE RESTRICT,
  coffee_id TEXT NOT NULL CHECK (coffee_id <> ''),
  created_ms INTEGER NOT NULL,"""
_FACT: Final = """
  boot INTEGER NOT NULL, uptime_ms INTEGER NOT NULL, utc_ms INTEGER,
  time_known INTEGER NOT NULL CHECK (time_known = (utc_ms IS NOT NULL)),"""
_UNIQUE: Final = "UNIQUE (backend_id, coffee_id)"

TABLES: Final = {
    BREW: "coffee_brew",
    ALARM: "coffee_alarm",
    METER: "coffee_meter",
    MAINTENANCE: "coffee_maintenance",
    EVENT: "coffee_event",
    RECIPE: "coffee_recipe",
}

_BREW: Final = f"""
CREATE TABLE coffee_brew ({_HEAD}{_FACT}
  shot INTEGER NOT NULL, slot TEXT NOT NULL, recipe_id INTEGER REFERENCES coffee_recipe,
  recipe_rev INTEGER NOT NULL, source TEXT NOT NULL, command TEXT,
  start_uptime_ms INTEGER NOT NULL, start_ms INTEGER,
  duration_ms INTEGER CHECK (duration_ms >= 0),
  volume_ul INTEGER CHECK (volume_ul >= 0), weight_mg INTEGER,
  pressure_peak_mbar INTEGER, pressure_mean_mbar INTEGER, temp_mean_mc INTEGER NOT NULL,
  energy_j INTEGER CHECK (energy_j >= 0), result TEXT NOT NULL, reason TEXT, {_UNIQUE}
);"""

_NEWEST: Final = """
CREATE INDEX coffee_brew_newest ON coffee_brew (backend_id);
CREATE INDEX coffee_alarm_newest ON coffee_alarm (backend_id);"""

_CHECKPOINT: Final = """
CREATE TABLE checkpoint (
  id INTEGER PRIMARY KEY, backend_id INTEGER NOT NULL REFERENCES coffee_backend,
  coffee_id TEXT NOT NULL, model TEXT NOT NULL, record_id INTEGER, summary TEXT NOT NULL,
  language TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done')),
  created_ms INTEGER NOT NULL, reviewed_by TEXT, reviewed_ms INTEGER, note TEXT,
  UNIQUE (backend_id, coffee_id, model)
);
CREATE INDEX checkpoint_open ON checkpoint (backend_id) WHERE state = 'open';"""

VERSION: Final = 4
SCHEMA: Final = f"""
CREATE TABLE coffee_backend (
  id INTEGER PRIMARY KEY, machine TEXT NOT NULL UNIQUE CHECK (machine <> ''),
  version TEXT NOT NULL, serial TEXT, language TEXT, created_ms INTEGER NOT NULL, firmware TEXT
);
{_BREW}
CREATE TABLE coffee_alarm ({_HEAD}{_FACT}
  code TEXT NOT NULL, raised INTEGER NOT NULL, severity TEXT NOT NULL, latched INTEGER NOT NULL,
  {_UNIQUE}
);
CREATE TABLE coffee_meter ({_HEAD}{_FACT}
  day TEXT, water_ul INTEGER NOT NULL, energy_j INTEGER NOT NULL, grinds INTEGER NOT NULL,
  shots INTEGER NOT NULL, {_UNIQUE}
);
CREATE TABLE coffee_maintenance ({_HEAD}{_FACT}
  code TEXT NOT NULL, value INTEGER NOT NULL, {_UNIQUE}
);
CREATE TABLE coffee_event ({_HEAD}{_FACT}
  kind TEXT NOT NULL, detail TEXT NOT NULL, {_UNIQUE}
);
CREATE TABLE coffee_recipe ({_HEAD}
  name TEXT NOT NULL, recipe TEXT NOT NULL, rev INTEGER NOT NULL, active INTEGER NOT NULL,
  {_UNIQUE}
);
{_CHECKPOINT}
{_NEWEST}
CREATE TABLE outgoing (
  id TEXT PRIMARY KEY, machine TEXT NOT NULL, name TEXT NOT NULL, args TEXT NOT NULL,
  person TEXT NOT NULL, deadline_ms INTEGER, state TEXT NOT NULL DEFAULT 'waiting',
  message TEXT NOT NULL DEFAULT '', created_ms INTEGER NOT NULL, result TEXT
);
CREATE INDEX outgoing_waiting ON outgoing (created_ms) WHERE state = 'waiting';
"""

UPGRADES: Final = {
    1: f"""
ALTER TABLE coffee_backend ADD COLUMN firmware TEXT;
ALTER TABLE outgoing ADD COLUMN result TEXT;
DROP INDEX checkpoint_open;
ALTER TABLE checkpoint RENAME TO checkpoint_1;
{_CHECKPOINT}
INSERT INTO checkpoint SELECT * FROM checkpoint_1;
DROP TABLE checkpoint_1;
""",
    2: f"""
ALTER TABLE coffee_brew RENAME TO coffee_brew_2;
{_BREW}
INSERT INTO coffee_brew SELECT * FROM coffee_brew_2;
DROP TABLE coffee_brew_2;
UPDATE coffee_brew SET duration_ms = NULL, volume_ul = NULL, energy_j = NULL
  WHERE reason = 'reset' AND duration_ms = 0 AND volume_ul = 0 AND energy_j = 0;
""",
    3: _NEWEST,
}
"""Version of a file → what makes it the next one."""
