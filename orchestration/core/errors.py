"""Errors that the user can fix, each with the exit code of `aipl`."""

from __future__ import annotations


class AiplError(Exception):
    """A failure that its message explains; it is shown without a traceback."""

    exit_code = 1


class InputError(AiplError):
    """Bad input or configuration, which has to be corrected first."""

    exit_code = 2


class HomeBusy(InputError):
    """Another process writes to the home: it does the work, and nothing is wrong."""


class ConfigurationError(InputError):
    """The configuration asks for something that cannot be; the message says what to change."""


class QualityStop(AiplError):
    """The data broke a rule, and the release stays where it was."""

    exit_code = 3


class GateStop(QualityStop):
    """A gate stopped it; its alerts have been sent, and its report says more."""


class GateError(AiplError):
    """The gate itself failed: this says nothing about the data, and nothing passes."""


class EnvironmentStop(AiplError):
    """The machine, not the data: a full disk, a damaged state file, a lock lost to another run."""

    exit_code = 2
