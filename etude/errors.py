"""The one exception a user is meant to see."""


class UserError(Exception):
    """A mistake the user can mend: one sentence that says what, where, found, expected and what to do.

    Commands and stages print it after ``error:`` and leave with exit status 2, without a traceback.
    """
