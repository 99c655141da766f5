"""The daemon between MQTT and the ERP: durable ingest, connector model, commands, console."""
