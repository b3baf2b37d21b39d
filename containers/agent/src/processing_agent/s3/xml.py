"""S3's XML by splitting: its answers are flat, and a parser's tree would cost more than everything else in a listing.

Only element names that the S3 API reference gives are looked for. Text is unescaped; S3 uses the five entities of XML
and numeric ones.
"""

from __future__ import annotations

from processing_agent.light import TYPE_CHECKING, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
HEX = 16


class BadXml(ValueError):  # noqa: N818 - named for what is so
    """An answer that is not what it should be: cut short, or of something that is no S3."""


@record(frozen=True, slots=True)
class Page:
    """A part of a listing: key, size and ETag of each object; `token` asks for the next part, empty at the end."""

    objects: list[tuple[str, int, str]]
    token: str


def text_of(xml: str, name: str, start: int = 0) -> str:
    """Give the text of the first element of this name; empty when there is none."""
    begin = xml.find(f"<{name}>", start)
    if begin < 0:
        return ""
    begin += len(name) + 2
    return unescaped(xml[begin : xml.find(f"</{name}>", begin)])


def unescaped(text: str) -> str:
    """Undo entities."""
    if "&" not in text:
        return text
    head, *rest = text.split("&")
    return head + "".join(map(_entity, rest))


def _entity(text: str) -> str:
    name, semicolon, rest = text.partition(";")
    if not semicolon:
        raise BadXml("an entity without its end")
    if name[:2] in {"#x", "#X"}:
        return chr(int(name[2:], HEX)) + rest
    if name[:1] == "#":
        return chr(int(name[1:])) + rest
    if name not in ENTITIES:
        raise BadXml("an unknown entity")
    return ENTITIES[name] + rest


def unquoted(text: str) -> str:
    """Undo the percent-encoding of `encoding-type=url`, in which a plus is a space."""
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    head, *rest = text.encode("utf-8").split(b"%")
    parts = [head, *(bytes([int(piece[:2], HEX)]) + piece[2:] for piece in rest)]
    return b"".join(parts).decode("utf-8", "surrogateescape")


def elements(xml: str, name: str) -> Iterator[str]:
    """Give the inside of each element of this name, in order."""
    end = f"</{name}>"
    for piece in xml.split(f"<{name}>")[1:]:
        inside, found, _ = piece.partition(end)
        if not found:
            raise BadXml(f"a {name} without its end")
        yield inside


def _object(entry: str, key_of: Callable[[str], str]) -> tuple[str, int, str]:
    """Give what `text_of` would for each of the three, by a third of its steps: there may be millions of them."""
    begin, size, etag = entry.find("<Key>"), entry.find("<Size>"), entry.find("<ETag>")
    if begin < 0 or size < 0:
        raise BadXml("an object without its key or size")
    key = entry[begin + 5 : entry.find("</Key>", begin)]
    tag = entry[etag + 6 : entry.find("</ETag>", etag)] if etag >= 0 else ""
    number = int(entry[size + 6 : entry.find("</Size>", size)])
    if "&" in entry:
        key, tag = unescaped(key), unescaped(tag)
    return key_of(key), number, tag


def page(body: bytes) -> Page:
    """Read an answer to ListObjectsV2.

    Raises:
        BadXml: it is not whole, or no such answer.
    """
    xml = body.decode("utf-8", "surrogateescape")
    if not xml.rstrip().endswith("</ListBucketResult>"):
        raise BadXml("the list is cut short")
    key_of = unquoted if "<EncodingType>url</EncodingType>" in xml else str
    try:
        objects = [_object(entry, key_of) for entry in elements(xml, "Contents")]
    except ValueError as error:
        raise BadXml(f"the list cannot be read: {error}") from None
    if "<IsTruncated>true</IsTruncated>" not in xml:
        return Page(objects, "")
    token = text_of(xml, "NextContinuationToken")
    if not token:
        raise BadXml("the list goes on, but does not say where")
    return Page(objects, token)
