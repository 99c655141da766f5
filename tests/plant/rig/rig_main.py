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
module, _, name = ("scenarios." + job["scenario"]).rpartition(".")
module = module.split(".")[-1]
print("@@" + json.dumps(getattr(__import__(module), name)(root, **job["args"])))
