"""The ERP side behind one port. `port.py` is the port; each other module is one ERP's gateway.

What differs between ERPs lives in its gateway and nowhere else. No MQTT here.
"""
