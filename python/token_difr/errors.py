"""The exceptions of token-difr.

    TokenDifrError
    ├── InputError (also ValueError)       something that was passed in is wrong; the message says what and where
    │   ├── BatchError                     arrays that are not a valid TopKBatch
    │   ├── PromptError                    a prompt file or a conversation that cannot be sent
    │   ├── RunDirectoryError              a run directory of another audit, in use, or damaged
    │   ├── SamplerError                   a sampler that is not known, or that lacks what its noise depends on
    │   │   └── UnreplayableError          an engine whose noise cannot be replayed; the message says why
    │   ├── UnsupportedModelError          a model that ONNX Runtime does not run here; torch may
    │   └── UnregisteredModelError (also KeyError)    a model whose name at a service nobody has registered
    ├── LimitError                         a ceiling of time or cost, set by the caller, was reached
    └── EndpointError                      a provider or reference did not do what was asked
        ├── EndpointUnreachableError       refused, timed out, or broken off, after the SDK's own retries
        ├── AuthenticationError            HTTP 401 or 403
        ├── UnknownModelError              the endpoint does not serve the model that was named
        └── AnswerError                    an answer that lacks what was asked for, or contradicts it
            └── RowsError                  rows that are not those of the tokens sent
                └── RowCountError (also ValueError)    rows for more or fewer tokens than were sent

What goes on all the same, though not as asked, is a ``TokenDifrWarning`` (a ``UserWarning``). Whatever warns by that class
is this package, so that it can be told from the packages below it.

The command line prints the message of any of these as one line and exits with 2. Messages never hold a key.
"""

from __future__ import annotations

import errno

__all__ = [
    "NO_SPACE",
    "AnswerError",
    "AuthenticationError",
    "BatchError",
    "EndpointError",
    "EndpointUnreachableError",
    "InputError",
    "LimitError",
    "PromptError",
    "RowCountError",
    "RowsError",
    "RunDirectoryError",
    "SamplerError",
    "TokenDifrError",
    "TokenDifrWarning",
    "UnknownModelError",
    "UnregisteredModelError",
    "UnreplayableError",
    "UnsupportedModelError",
    "unimportable",
]


NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The system's numbers of the errors that say that a disk, a quota or a file is full."""

LONGEST_REASON = 300
"""Characters of another package's message that ours quote."""


class TokenDifrError(Exception):
    """Base of all errors that this package raises on purpose."""


class TokenDifrWarning(UserWarning):
    """Something was done otherwise than asked; the message says what, and what to do."""


class InputError(TokenDifrError, ValueError):
    """Something that was passed in is wrong. A ``ValueError`` too, as users of token-difr 0.1 expect."""


class BatchError(InputError):
    """Arrays that do not form a valid :class:`~token_difr.TopKBatch`; names the array and the position."""


class PromptError(InputError):
    """A prompt file or a conversation that cannot be sent; names the file and the line."""


class RunDirectoryError(InputError):
    """A run directory that belongs to another audit, is in use by another process, or is damaged."""


class SamplerError(InputError):
    """A sampler that is not known, or that lacks what its noise depends on; the message names it."""


class UnreplayableError(SamplerError):
    """An engine, or a way to sample, whose noise cannot be replayed; the message says why."""


def unimportable(error: ImportError, package: str, needed_by: str, install: str) -> InputError:
    """The error for a package that cannot be imported: it is missing, or it is there and broken.

    Args:
        error: What the import raised.
        package: What was imported.
        needed_by: What cannot do without.
        install: What pip is to install.
    """
    if isinstance(error, ModuleNotFoundError) and error.name == package:
        return InputError(f"{needed_by} needs {package}: pip install '{install}'")
    reason = " ".join(str(error).split())[:LONGEST_REASON]
    return InputError(f"{needed_by} needs {package}, which is installed and cannot be imported: {reason}")


class UnsupportedModelError(InputError):
    """A model that asks for what its graph on ONNX Runtime does not express; the engine torch may run it."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what}: not run on ONNX Runtime; torch may run it: pip install 'token-difr[torch]'")


class UnregisteredModelError(InputError, KeyError):
    """A model whose name at a service nobody has registered; names near matches. A ``KeyError`` as of a dictionary."""

    __str__ = Exception.__str__  # KeyError would show the message in quotes


class LimitError(TokenDifrError):
    """A ceiling of time or cost that the caller set was reached; what had arrived is kept."""


class EndpointError(TokenDifrError):
    """A provider or a reference did not do what was asked of it; names the endpoint's URL."""


class EndpointUnreachableError(EndpointError):
    """The endpoint refused the connection, timed out or broke off, after the SDK's own retries."""


class AuthenticationError(EndpointError):
    """The endpoint refused the key (HTTP 401 or 403)."""


class UnknownModelError(EndpointError):
    """The endpoint does not serve the model that was named."""


class AnswerError(EndpointError):
    """An answer that lacks what was asked for, or contradicts what was sent."""


class RowsError(AnswerError):
    """Rows that are not those of the tokens sent. Others of the same reference may be."""


class RowCountError(RowsError, ValueError):
    """Rows for more or fewer tokens than were sent. A ``ValueError`` too, as users of token-difr 0.1 expect."""
