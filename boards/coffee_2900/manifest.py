# What is frozen into the image of this machine; the same list serves both (boards/shared).
include("../shared/manifest.py")
