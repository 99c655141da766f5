# micropython rig_main.py <job.json>: {"root", "board", "scenario", "args"}; prints the figures.
import json
import sys

with open(sys.argv[1]) as f:
    job = json.load(f)
root = job["root"]
sys.path[:0] = [root + "/" + p for p in (
    "tests/plant/rig", "simulator/shim", "simulator", "firmware", "boards/" + job["board"],
    "build/lib",
)]
import scenarios

print("@@" + json.dumps(getattr(scenarios, job["scenario"])(root, **job["args"])))
