"""The JavaScript that draws the charts: Vega, Vega-Lite and Vega-Embed, as vl-convert bundles them."""

from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path

from tasks.core.user_cache import cache_root, keep


def bundle_path() -> Path:
    """Return where the bundle is kept."""
    return cache_root() / f"vega-{version('vl-convert-python')}.js"


def vega_bundle() -> str:
    """Return the bundle, which takes 4.5 s of CPU time to make and is the same for a version of vl-convert.

    It is kept, if the cache can be written.
    """
    path = bundle_path()
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8")
    import vl_convert

    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg] # its own default is missing from its types
    keep(path, partial(Path.write_text, data=bundle, encoding="utf-8"))
    return bundle
