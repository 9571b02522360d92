"""The exceptions of e2m. Their words are those that the program ``e2m`` prints."""

from __future__ import annotations


class E2mError(Exception):
    """What all errors of e2m are."""


class BatchFileError(E2mError, ValueError):
    """A batch, a parameter or a stage cannot be used; everything that is wrong is named at once."""


class RawImageError(E2mError):
    """Raw images are missing, misnamed, unreadable, or changed while they were read."""


class RefusedError(E2mError):
    """Memory or disk will not do; the text says what would. Nothing was begun."""


class TaskError(E2mError):
    """A task failed of something else than its images: a full disk, a lock, a defect."""


class AlignmentError(TaskError):
    """No trustworthy alignment: there is no difference image."""


class ScaleError(TaskError):
    """No scale."""


class ResultError(E2mError, LookupError):
    """An image or table of a task is not there, or not what is on record."""


class ArrayError(E2mError, ValueError):
    """An array has a shape that cannot be used."""


class Cancelled(E2mError):
    """A :class:`e2m.CancelToken` stopped the call. What was finished stays; the next run goes on from there."""
