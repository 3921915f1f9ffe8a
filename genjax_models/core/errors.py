"""The exception that stands for a mistake of the person at the keyboard, and its one special kind."""


class UserError(ValueError):
    """A config, a data set, a file or a machine is not as it must be.

    Its message is one line: what is wrong, what was expected, what to do. The command line prints that line
    without a stack trace and exits with status 2.
    """


class UnsupportedError(UserError):
    """A task was asked of a model that cannot do it; the message names the families that can."""
