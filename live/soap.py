"""XML of devices, read with care and written: the door to lxml.

What a device sends is nobody's to trust: it is bounded, it may declare no document type (so no entities that grow), nothing it names is fetched, and
what is not whole is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from lxml import etree

from planning.errors import FeedError
from planning.writing import clean

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
NETWORK = "http://www.onvif.org/ver10/network/wsdl"


def read_xml(data: bytes, most: int, where: str = "") -> Any:
    """The root element of a document of at most `most` bytes; `where`: the device, for the message.

    Raises
    ------
    FeedError: `onvif.answer`, where it is larger, not whole, nested beyond reason, or declares a document type.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True)
    root = None
    if len(data) <= most:
        try:
            root = etree.fromstring(data, parser)
        except (etree.XMLSyntaxError, ValueError):
            root = None
    if root is None or root.getroottree().docinfo.doctype:
        raise unreadable(where)
    return root


def unreadable(where: str) -> FeedError:
    """The error of a device whose answer is of no use."""
    return FeedError.one("onvif.answer", "The device's answer cannot be read", "Check that ONVIF is turned on in it, and its address", where)


def write_xml(root: Any) -> bytes:
    """An element as a document of its own."""
    return bytes(etree.tostring(root))


def found(root: Any, name: str) -> Iterator[Any]:
    """Every element of a local name, whatever its namespace: devices differ in these."""
    return (one for one in root.iter() if isinstance(one.tag, str) and etree.QName(one).localname == name)


def body_of(root: Any) -> str:
    """The local name of what a message says; empty where it says nothing."""
    body = next(found(root, "Body"), None)
    return "" if body is None or not len(body) else str(etree.QName(body[0]).localname)


def text_of(root: Any, name: str, most: int = 4000) -> str:
    """The text of the first element of a local name, without signs that show nothing; empty where there is none."""
    first = next(found(root, name), None)
    return word(first.text, most) if first is not None else ""


def word(text: object, most: int = 100) -> str:
    """What a device says as one line of at most `most` signs, without signs that show nothing or turn the line round."""
    return " ".join(clean("" if text is None else text).split())[:most]


def envelope(body: str, header: str = "", **spaces: str) -> bytes:
    """A SOAP 1.2 message; `spaces`: further prefixes and their namespaces. What is put into it must be escaped by `escape`."""
    named = "".join(f' xmlns:{prefix}="{escape(space)}"' for prefix, space in spaces.items())
    inner = f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body>"
    return f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{ENVELOPE}"{named}>{inner}</s:Envelope>'.encode()
