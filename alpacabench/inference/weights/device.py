"""Which accelerator there is, found without torch: the store's key needs the dtype before anything is loaded."""

from __future__ import annotations

import ctypes
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def has_cuda() -> bool:
    """Whether torch is a CUDA build and the driver sees a device."""
    spec = find_spec("torch")
    for folder in spec.submodule_search_locations or [] if spec else []:
        version = Path(folder) / "version.py"
        if version.is_file() and re.search(r"^cuda\b.*=\s*['\"]", version.read_text(), re.MULTILINE):
            return _devices() > 0
    return False


def _devices() -> int:
    for library in ("libcuda.so.1", "nvcuda.dll"):
        try:
            driver = ctypes.CDLL(library)
        except OSError:
            continue
        count = ctypes.c_int(0)
        if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
            return count.value
    return 0
