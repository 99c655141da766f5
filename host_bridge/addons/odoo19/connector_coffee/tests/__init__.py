from . import test_backend
from . import test_booking
from . import test_checkpoint
from . import test_command
from . import test_pour
from . import test_push
from . import test_recipe
from . import test_security
