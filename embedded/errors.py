"""What can end a command early, each told in one sentence at the terminal.

EmbeddedError
├── BadSetting           an environment variable, or a file it names, makes no sense
├── InstallFailed        a package or a tool could not be installed
├── AlreadyRunning       another start holds the data folder
├── PortInUse            somebody else listens on PORT
├── DataUnusable         the data folder holds what this version cannot run on
├── StepFailed           a one-off command (initdb, migrate, ...) ended with an error
└── ChildFailed          a server does not come up

StopRequested            somebody asked us to stop: no error
"""


class EmbeddedError(Exception):
    """Something the person at the terminal can act on; its text is the whole message."""


class BadSetting(EmbeddedError):
    """An environment variable, or the file it names, makes no sense."""


class InstallFailed(EmbeddedError):
    """A package or a tool could not be installed."""


class AlreadyRunning(EmbeddedError):
    """Another start holds the data folder."""


class PortInUse(EmbeddedError):
    """Somebody else listens on the port we were told to serve."""


class DataUnusable(EmbeddedError):
    """The data folder holds what this version cannot run on."""


class StepFailed(EmbeddedError):
    """A one-off command ended with an error."""


class ChildFailed(EmbeddedError):
    """A server died again and again, or did not answer in time."""


class StopRequested(Exception):
    """A signal asked us to stop."""
