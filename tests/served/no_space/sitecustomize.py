"""Python runs this at its start where the folder is in PYTHONPATH: a disk that a test fills.

While the file that PLAINVIEW_TEST_FULL names is there, the system has no space left for whatever
SQLite writes. Mounting a small disk, to fill it, is not everybody's right; SQLite lets its calls of
the system be replaced (`xSetSystemCall`), by anybody in its process.
"""

from __future__ import annotations

import _sqlite3
import atexit
import ctypes
import errno
import os
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_size_t, c_ssize_t, c_void_p

_full = os.environ["PLAINVIEW_TEST_FULL"]


class _Vfs(ctypes.Structure):
    """sqlite3.h's sqlite3_vfs, version 3."""


_Set = CFUNCTYPE(c_int, POINTER(_Vfs), c_char_p, c_void_p)
_BETWEEN = ("open delete access full_pathname dl_open dl_error dl_sym dl_close randomness sleep"
            " current_time get_last_error current_time_int64")  # fmt: skip
_Vfs._fields_ = [
    ("version", c_int),
    ("os_file_size", c_int),
    ("max_pathname", c_int),
    ("next", c_void_p),
    ("name", c_char_p),
    ("app_data", c_void_p),
    *((name, c_void_p) for name in _BETWEEN.split()),
    ("set_system_call", _Set),
]

_Write = CFUNCTYPE(c_ssize_t, c_int, c_void_p, c_size_t, use_errno=True)
_WriteAt = CFUNCTYPE(c_ssize_t, c_int, c_void_p, c_size_t, c_int64, use_errno=True)


def _write(file: int, content: int, size: int, *place: int) -> int:
    if os.path.exists(_full):
        ctypes.set_errno(errno.ENOSPC)
        return -1
    write = os.pwrite if place else os.write
    try:
        return write(file, ctypes.string_at(content, size), *place)
    except OSError as error:
        ctypes.set_errno(error.errno or errno.EIO)
        return -1


#: They have to live as long as SQLite.
_replaced = {b"write": _Write(_write), b"pwrite": _WriteAt(_write), b"pwrite64": _WriteAt(_write)}

_library = ctypes.CDLL(_sqlite3.__file__)
_library.sqlite3_vfs_find.restype = POINTER(_Vfs)
_vfs = _library.sqlite3_vfs_find(None)
for _name, _call in _replaced.items():
    assert _vfs.contents.set_system_call(_vfs, _name, ctypes.cast(_call, c_void_p)) == 0
    # No function of ours is there any more when Python ends.
    atexit.register(_vfs.contents.set_system_call, _vfs, _name, None)
