"""From what went wrong to the API's word for it."""

from __future__ import annotations

import errno

from processing_agent.credentials import MissingKeys
from processing_agent.download import NothingFound, TooLarge
from processing_agent.s3.collisions import KeyCollision
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.s3.names import UnsafeKey
from processing_agent.staging import MissingConfigMap, NoCertificate
from processing_agent.watch import StopAsked

FULL = {"ENOSPC", "EDQUOT"}
IN_THE_WAY = {"ENOTDIR", "EISDIR", "ELOOP", "EEXIST", "ENOTEMPTY"}

FETCH = {
    Kind.DENIED: "InputAccessDenied",
    Kind.STALE: "InputAccessDenied",
    Kind.ARCHIVED: "InputArchived",
    Kind.NO_BUCKET: "InputNotFound",
    Kind.NO_KEY: "InputNotFound",
    Kind.CHANGED: "ChecksumMismatch",
    Kind.CORRUPT: "ChecksumMismatch",
    Kind.REJECTED: "StoreUnavailable",
    Kind.UNAVAILABLE: "StoreUnavailable",
}
BY_TYPE = {
    NothingFound: "InputNotFound",
    TooLarge: "InputTooLarge",
    UnsafeKey: "UnsafeKey",
    KeyCollision: "KeyCollision",
    StopAsked: "StopRequested",
    MissingKeys: "SecretNotFound",
    MissingConfigMap: "ConfigMapNotFound",
    NoCertificate: "StoreUnavailable",
}


def of_fetch(error: Exception) -> str:
    """Give fetch's reason for an exception; empty for one that the API has no word for: the process is restarted."""
    if isinstance(error, OSError):
        return "DiskFull" if errno.errorcode.get(error.errno or 0) in FULL else ""
    if not isinstance(error, StoreFault):
        return BY_TYPE.get(type(error), "")
    if error.kind is not Kind.LOCAL:
        return FETCH[error.kind]
    return "DiskFull" if error.code in FULL else "KeyCollision" if error.code in IN_THE_WAY else ""


def of_upload(faults: list[StoreFault]) -> str:
    """Give upload's reason for what failed: a denial first, since only a person can end it."""
    if any(fault.kind in {Kind.DENIED, Kind.STALE} for fault in faults):
        return "UploadDenied"
    return "UploadFailed"
