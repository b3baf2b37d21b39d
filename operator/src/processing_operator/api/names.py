"""Names that the whole project shares: group, kind, labels and annotations."""

from typing import Final

GROUP: Final = "processing-operator.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "ProcessingJob"
LIST_KIND: Final = "ProcessingJobList"
PLURAL: Final = "processingjobs"
SINGULAR: Final = "processingjob"
SHORT_NAME: Final = "pj"

LABEL_JOB: Final = f"{GROUP}/job"
LABEL_UID: Final = f"{GROUP}/uid"
LABEL_ATTEMPT: Final = f"{GROUP}/attempt"
LABEL_INDEX: Final = f"{GROUP}/index"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "processing-operator"

ANNOTATION_PLAN: Final = f"{GROUP}/plan"
ANNOTATION_SIGNAL: Final = f"{GROUP}/signal"
ANNOTATION_SPEC_DIGEST: Final = f"{GROUP}/spec-digest"
ANNOTATION_BOUNDS: Final = f"{GROUP}/bounds"
