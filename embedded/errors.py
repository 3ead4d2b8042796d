"""Errors that end a command early; the terminal shows each as one sentence.

EmbeddedError
├── BadSetting           an environment variable, or a file it names, is invalid
├── InstallFailed        a package or a tool could not be installed
├── AlreadyRunning       another start holds the data folder
├── PortInUse            another program listens on PORT
├── DataUnusable         this version cannot run on the data folder's contents
├── StepFailed           a one-off command (initdb, migrate, ...) ended with an error
└── ChildFailed          a server did not start

StopRequested            a signal asked us to stop: not an error
"""


class EmbeddedError(Exception):
    """A problem that the user can fix; its text is the whole message."""


class BadSetting(EmbeddedError):
    """An environment variable, or the file it names, is invalid."""


class InstallFailed(EmbeddedError):
    """A package or a tool could not be installed."""


class AlreadyRunning(EmbeddedError):
    """Another start holds the data folder."""


class PortInUse(EmbeddedError):
    """Another program listens on the port we are to serve."""


class DataUnusable(EmbeddedError):
    """This version cannot run on the data folder's contents."""


class StepFailed(EmbeddedError):
    """A one-off command ended with an error."""


class ChildFailed(EmbeddedError):
    """A server exited several times in a row, or did not answer in time."""


class StopRequested(Exception):
    """A signal asked us to stop."""
