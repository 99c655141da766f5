"""Stands in for MicroPython's `micropython` module, so that CPython tests can import its files.

The decorators leave functions as they are; viper's pointer casts become the object itself.
"""

import builtins


def const(value):
    return value


def viper(function):
    return function


native = viper


def schedule(function, argument):
    function(argument)


for _name in ("ptr8", "ptr16", "ptr32", "uint"):
    if not hasattr(builtins, _name):
        setattr(builtins, _name, lambda value: value)
