"""Generated Kubernetes objects as the YAML that is committed."""

from typing import Any

from processing_operator.api.structural import Schema


class Cel(str):
    """An expression: written as a block, without YAML's own quotes and line breaks."""

    __slots__ = ()


def manifest(source: str, *objects: Schema) -> str:
    """The objects, one document each, under a line that names the module that makes them."""
    import yaml  # noqa: PLC0415 - not needed where the models are used

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, _data: Any) -> bool:
            return True

    Dumper.add_representer(Cel, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))
    text = yaml.dump_all(objects, Dumper=Dumper, sort_keys=False, width=120, allow_unicode=True)
    return f"# Made by `python -m {source}` from the models; not to be edited.\n{text}"
