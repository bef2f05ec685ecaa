"""Errors that a person can act on; each knows the exit code that `aipl` ends with."""

from __future__ import annotations


class AiplError(Exception):
    """A failure that is explained by its message alone; it is shown without a traceback."""

    exit_code = 1


class InputError(AiplError):
    """Bad input or configuration: something a person has to change before it can work."""

    exit_code = 2


class ConfigurationError(InputError):
    """The configuration asks for something that cannot be; the message says what to change."""


class QualityStop(AiplError):
    """The data broke a rule, and the release stays where it was."""

    exit_code = 3


class GateStop(QualityStop):
    """A gate stopped it; its alerts are told already, and its page says more."""


class GateError(AiplError):
    """A gate itself failed: that says nothing about the data, and lets nothing through."""


class EnvironmentStop(AiplError):
    """The machine, not the data: a full disk, a damaged state file, a lock lost to another run."""

    exit_code = 2
