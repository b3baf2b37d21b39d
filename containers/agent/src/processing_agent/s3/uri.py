"""`s3://bucket/key` and back."""

from __future__ import annotations

from processing_agent.light import record

SCHEME = "s3://"


class BadUri(ValueError):  # noqa: N818 - named for what is so
    """A text that is no `s3://bucket[/key]`."""


@record(frozen=True, slots=True)
class S3Uri:
    """A bucket and a key or key prefix (empty: the whole bucket)."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    def beneath(self, relative: str) -> str:
        """Give the key of a file below this prefix; slashes at the prefix's end make no difference."""
        prefix = self.key.rstrip("/")
        return f"{prefix}/{relative}" if prefix else relative


def parse(text: str) -> S3Uri:
    """Read an S3 address.

    Raises:
        BadUri: no `s3://`, or no bucket.
    """
    if not text.startswith(SCHEME):
        raise BadUri(f"{text!r} is not an S3 address: it must begin with s3://")
    bucket, _, key = text[len(SCHEME) :].partition("/")
    if not bucket:
        raise BadUri(f"{text!r} names no bucket: write s3://bucket/key")
    return S3Uri(bucket, key)
