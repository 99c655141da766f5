from . import models
from . import components
from . import wizards
from .hooks import uninstall_hook
