"""What can go wrong, in words for the person who reads it on a page or in a terminal."""


class UserError(Exception):
    """Something the user can put right; the message says what to do.

    The text is one sentence. Pages and the CLI show it as it is; every other exception is logged with its
    traceback and shown as "something went wrong on our side".
    """


class InvalidSetting(UserError):
    """An environment variable of ours holds what can't be."""


class UnreadableFile(UserError):
    """The file as a whole can't be read as a table (wrong kind, broken archive, no rows at all)."""


class MappingError(UserError):
    """The chosen columns don't exist in the file, or the one that is needed (title) is missing."""


class OpenQuestion(MappingError):
    """Something that only a person can say about a file, and nobody has; nothing is loaded."""


class NotFound(UserError):
    """The dataset, job or file named by the user does not exist."""


class NotSignedIn(UserError):
    """Nobody is known to act here, or somebody whom nobody let in."""


class WrongState(UserError):
    """The verb does not fit the state: for example resuming a job that is already done."""


class NotReady(UserError):
    """A part that is needed is not there: no worker, no database, a package without its model."""


class NotAllowed(UserError):
    """Whoever asks may not do it; the sentence says who may."""
