"""The connector: a machine is a backend, its facts are bindings, a person's work is a checkpoint.

A tree of backends (`coffee` → one per version) carries the units that do the work: mappers,
importers, exporters, binders. A unit asked for at a version is the version's own or, failing
that, the one of `coffee`. No MQTT and no SQL in here; the ERP is reached through gateway/port.py.
"""
