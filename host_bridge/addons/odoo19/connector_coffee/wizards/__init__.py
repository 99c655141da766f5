from . import coffee_bridge_connect
from . import coffee_checkpoint_review
