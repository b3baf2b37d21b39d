"""The commands `pj` and `kubectl pj`.

What a command needs is imported when it runs: `pj cp` starts without Kubernetes, `pj run` without S3.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(
    help="Run and follow processing jobs, show their logs; copy data to and from S3.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Output(StrEnum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"


class Container(StrEnum):
    """A container of a job's Pod."""

    FETCH = "fetch"
    SCRIPT = "script"
    UPLOAD = "upload"


class Addressing(StrEnum):
    """Where the bucket's name stands in a URL."""

    AUTO = "Auto"
    PATH = "Path"
    VIRTUAL_HOST = "VirtualHost"


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"pj {version('processing-operator-cli')}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Run and follow processing jobs, show their logs; copy data to and from S3."""


@app.command()
def run(
    files: Annotated[
        list[str],
        typer.Option("-f", "--filename", metavar="FILE", help="Manifest, - for standard input; can be repeated."),
    ],
    namespace: Annotated[str, typer.Option("-n", "--namespace", help="Default: the manifest's, the context's.")] = "",
    context: Annotated[str, typer.Option("--context", help="The kubeconfig's context.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Delete jobs of the same names first.")] = False,
) -> None:
    """Start jobs and follow them: phases, progress, the script's output.

    Exits with 0 if all have Completed, 1 if one has Failed, 3 if one was Stopped, 2 if they could not be started or
    followed. Ctrl-C leaves the jobs running.
    """
    from processing_operator_cli.running import run_jobs  # noqa: PLC0415

    raise typer.Exit(run_jobs(files, namespace=namespace, context=context, replace=replace))


@app.command()
def logs(  # noqa: PLR0917  (typer knows them by their names)
    name: Annotated[str, typer.Argument(help="The job.")],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the container has ended.")] = False,
    container: Annotated[Container, typer.Option("-c", "--container", help="Whose log.")] = Container.SCRIPT,
    tail: Annotated[int | None, typer.Option(min=0, help="Only so many of the last lines.")] = None,
    namespace: Annotated[str, typer.Option("-n", "--namespace", help="Default: the context's.")] = "",
    context: Annotated[str, typer.Option("--context", help="The kubeconfig's context.")] = "",
) -> None:
    """Show what a job's script has printed, also after its end, as long as its Pod is there.

    Exits with 2 if there is no log, and says why.
    """
    from processing_operator_cli.logs import show_logs  # noqa: PLC0415

    code = show_logs(name, container.value, namespace=namespace, context=context, follow=follow, tail=tail)
    raise typer.Exit(code)


@app.command()
def cp(  # noqa: PLR0917  (typer knows them by their names)
    source: Annotated[str, typer.Argument(help="s3://BUCKET/PREFIX, or a file or directory.")],
    target: Annotated[str, typer.Argument(help="A directory, or s3://BUCKET/PREFIX.")],
    endpoint: Annotated[str, typer.Option(help="The store's URL. Default: AWS_ENDPOINT_URL, else AWS.")] = "",
    region: Annotated[str, typer.Option(help="Default: AWS_REGION, the profile, us-east-1.")] = "",
    addressing: Annotated[Addressing, typer.Option(help="Where the bucket's name stands.")] = Addressing.AUTO,
    output: Annotated[Output, typer.Option("-o", "--output", help="How the summary is written.")] = Output.TEXT,
) -> None:
    """Copy to or from S3 as a job does: verified, with the same names landing in the same places.

    Credentials come from the AWS variables and files. Exits with 1 if anything was not copied.
    """
    from processing_operator_cli.copying import Place, copy  # noqa: PLC0415

    place = Place(endpoint=endpoint or None, region=region or None, addressing=addressing.value)
    raise typer.Exit(copy(source, target, place, as_json=output is Output.JSON))


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
