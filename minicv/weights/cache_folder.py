"""The folder in which fetched weights are kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def weights_folder() -> Path:
    """The folder in the environment variable ``MINICV_WEIGHTS``, else one in the user's caches.

    ========  ===============================================================================
    Linux     ``$XDG_CACHE_HOME/minicv/weights``, else ``~/.cache/minicv/weights``
    macOS     ``~/Library/Caches/minicv/weights``
    Windows   ``%LOCALAPPDATA%\\minicv\\weights``, else ``~\\AppData\\Local\\minicv\\weights``
    ========  ===============================================================================

    It need not exist yet. An empty variable counts as none, and so does an ``XDG_CACHE_HOME`` that
    is a relative path.

    Raises:
        OSError: no variable is set, and this user has no home.

    >>> weights_folder().name
    'weights'
    """
    try:
        own = os.environ.get("MINICV_WEIGHTS", "")
        return Path(own).expanduser() if own else _user_caches() / "minicv" / "weights"
    except RuntimeError:  # of Path.home() and expanduser()
        raise OSError(
            "no folder for weights: this user has no home folder; set MINICV_WEIGHTS to a folder"
        ) from None


def _user_caches() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    return Path(chosen) if os.path.isabs(chosen) else Path.home() / ".cache"
