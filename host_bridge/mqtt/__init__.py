"""MQTT in and out: the connection, the ingest thread, and a small broker for the zero-config run.

What a message means stands in intake.py and contract/, not here.
"""
