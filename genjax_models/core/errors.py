"""The one exception that stands for a mistake of the person at the keyboard."""


class UserError(ValueError):
    """A config, a data set, a file or a machine is not as it must be.

    Its message is one line: what is wrong, what was expected, what to do. The command line prints that line
    without a stack trace and exits with status 2.
    """
