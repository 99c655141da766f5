from . import coffee
