from . import coffee_backend
from . import coffee_booking
from . import coffee_brew
from . import coffee_meter
from . import coffee_recipe
