"""Topics and payloads as docs/asyncapi.yaml describes them. No I/O, no state, no settings."""
