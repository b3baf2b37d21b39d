"""A small S3-speaking server that misbehaves by a script. It stands in for a store only to inject faults.

What a healthy store does is tested against SeaweedFS (`dev.s3`), which checks signatures; this one checks
none. It holds objects in memory or generates them, checks ETags, checksums, conditions, ranges and uploads in parts as
S3 does, damages what a rule names, and records every request, so that a test can say what was asked for and how often.
"""

from tests.support.fault_server import faults
from tests.support.fault_server.content import Pattern
from tests.support.fault_server.messages import Answer, Request, Seen
from tests.support.fault_server.server import FaultServer

__all__ = ["Answer", "FaultServer", "Pattern", "Request", "Seen", "faults"]
