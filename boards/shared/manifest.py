# Frozen into every image of ours: the port's own start-up, umqtt.simple from the installed copy
# (make setup), the firmware, the data of one board, and which build this is.
import os

freeze("$(PORT_DIR)/modules", ("_boot.py", "rp2.py"))
freeze("../../build/lib", "umqtt/simple.py")
freeze("../../firmware")
freeze("$(BOARD_DIR)", ("board.py", "factory_recipes.py"))
if os.environ.get("COFFEE_BUILD_ID"):
    freeze(os.environ["COFFEE_BUILD_ID"], ("build_id.py", "image_id.py"))
try:
    require("ntptime")  # only in a checkout that has micropython-lib; the firmware needs it not
except Exception:
    pass
