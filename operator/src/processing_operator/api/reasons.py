"""Every reason of a failure: of jobs, attempts, conditions, Events, and what the containers report."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a job, an attempt or a container ended as it did, or what it waits for."""

    # the user's script
    SCRIPT_FAILED = "ScriptFailed"
    COMMAND_NOT_FOUND = "CommandNotFound"
    OUT_OF_MEMORY = "OutOfMemory"
    WORKSPACE_FULL = "WorkspaceFull"
    SCRIPT_NOT_STARTED = "ScriptNotStarted"
    IMAGE_PATH_CONFLICT = "ImagePathConflict"
    """The image has something else where a directory of the job is to be mounted."""

    # the data or the job's description
    INPUT_NOT_FOUND = "InputNotFound"
    INPUT_ACCESS_DENIED = "InputAccessDenied"
    UNSAFE_KEY = "UnsafeKey"
    KEY_COLLISION = "KeyCollision"
    INPUT_ARCHIVED = "InputArchived"
    INPUT_TOO_LARGE = "InputTooLarge"
    CHECKSUM_MISMATCH = "ChecksumMismatch"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - a reason, not a secret
    CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound"
    SERVICE_ACCOUNT_NOT_FOUND = "ServiceAccountNotFound"
    INPUT_JOB_FAILED = "InputJobFailed"
    OUTPUT_MISSING = "OutputMissing"
    INVALID_POD = "InvalidPod"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    NAME_CONFLICT = "NameConflict"
    BAD_PLAN = "BadPlan"

    # the store
    STORE_UNAVAILABLE = "StoreUnavailable"
    DOWNLOAD_TIMEOUT = "DownloadTimeout"
    UPLOAD_DENIED = "UploadDenied"
    UPLOAD_TIMEOUT = "UploadTimeout"
    UPLOAD_FAILED = "UploadFailed"
    DISK_FULL = "DiskFull"

    # the cluster
    EXIT_UNKNOWN = "ExitUnknown"
    """The script's container ended with 0, and no record tells how the script ended."""
    QUOTA_EXCEEDED = "QuotaExceeded"
    PENDING_TIMEOUT = "PendingTimeout"
    EVICTED = "Evicted"
    NODE_LOST = "NodeLost"
    PREEMPTED = "Preempted"
    POD_DELETED = "PodDeleted"

    # only while it waits
    INPUT_JOB_PENDING = "InputJobPending"
    """A job that an input comes from has not completed."""
    UNSCHEDULABLE = "Unschedulable"
    SCHEDULING_GATED = "SchedulingGated"
    """By the scheduling gates of others."""
    NOT_STARTING = "ContainerNotStarting"
    PREDECESSOR_UPLOADS = "PredecessorUploads"
    POD_TERMINATING = "PodTerminating"

    # asked for: the job ends in Stopped, not in Failed
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"
    STOP_REQUESTED = "StopRequested"
