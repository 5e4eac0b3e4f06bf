"""From a file's bytes to its text: packed or not, and in which encoding, told by the content and not by the name."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from pathlib import Path

from alpacabench.core.errors import DataError, Problem

PACKED = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ\x00": lzma.decompress}
"""How packed content begins, and what unpacks it."""
ENDINGS = (".gz", ".bz2", ".xz")
BINARY = {
    b"PK\x03\x04": "an Excel workbook or a zip archive: save the table as CSV in UTF-8, or unpack it",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the table as CSV in UTF-8",
    b"\x28\xb5\x2f\xfd": "packed with zstd: unpack it, or pack it with gzip",
    b"SQLite format 3": "an SQLite database: export the table as CSV",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself: `git lfs pull` fetches it",
}
ENCODINGS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe\x00\x00": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""By their byte order marks."""


def content(path: Path, key: str) -> bytes:
    """Return the bytes of a file, unpacked.

    Raises:
        DataError: the file cannot be read, or is of a kind that has no rows.

    """
    try:
        data = path.read_bytes()
        unpack = next((unpack for start, unpack in PACKED.items() if data.startswith(start)), None)
        if unpack is None and path.suffix.lower() in ENDINGS:
            what = f"it ends in {path.suffix}, but is not packed"
            raise DataError(f"{key}: cannot read {path}: {what}\n    call it {path.name.removesuffix(path.suffix)}")
        data = unpack(data) if unpack else data
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        what = f"cannot read {path}: {error}"
        raise DataError(
            str(Problem(key, what, "the file is damaged or not yours to read: name another one"))
        ) from error
    for start, what in BINARY.items():
        if data.startswith(start):
            raise DataError(f"{key}: {path} is {what}")
    return data


def text_of(data: bytes, path: Path, key: str) -> str:
    """Return content as text: UTF-8, or what its byte order mark names.

    Raises:
        DataError: it is in another encoding, or no text.

    """
    encoding = next((name for mark, name in ENCODINGS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{key}: cannot read {path}: line {line} is not UTF-8 (byte 0x{data[error.start]:02x})\n"
            "    save it as UTF-8; a file of Windows or Excel: `iconv -f WINDOWS-1252 -t UTF-8`"
        ) from error
    if "\x00" in text:
        raise DataError(
            f"{key}: cannot read {path}: it holds zero bytes, so it is no text, or UTF-16 without its mark\n"
            "    save it as UTF-8"
        )
    return text
