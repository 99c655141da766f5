# What the stock image of a Pico starts with, less the drivers of micropython-lib: an empty board.
freeze("$(PORT_DIR)/modules", ("_boot.py", "rp2.py"))
include("$(MPY_DIR)/extmod/asyncio")
