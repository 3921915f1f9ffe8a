"""The exception for mistakes of the user, and its subclass for tasks that a model lacks."""


class UserError(ValueError):
    """A config, a data set, a file or a machine does not meet a requirement.

    Its message is one line: what is wrong, what was expected, what to do. The command line prints that line
    without a stack trace and exits with status 2.
    """


class UnsupportedError(UserError):
    """A model does not support a task; the message names the families that do."""
