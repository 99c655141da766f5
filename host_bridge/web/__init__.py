"""The web console and its HTTP API, served by the bridge process.

Everything here reads and acts through `host_bridge.service.Bridge`; no MQTT, no SQL, and no
knowledge of one machine's model: what a machine can do comes from what it published.
"""
