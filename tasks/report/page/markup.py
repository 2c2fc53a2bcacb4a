"""Values inside HTML: as JSON that no name in the data can end, and scripts that a browser runs only as they are."""

import hashlib
import json
import re
from base64 import b64encode

from markupsafe import Markup

_SPECIAL = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def embedded_json(value: object) -> Markup:
    r"""Write JSON for a script element; what could end that element, or begin a comment, is spelled as its code.

    Raises
    ------
    ValueError
        A number is NaN or infinite, which is no JSON.

    Examples
    --------
    >>> str(embedded_json(["</script>", "a & b"]))
    '["\\u003c/script\\u003e","a \\u0026 b"]'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(re.sub("[<>&\u2028\u2029]", lambda match: _SPECIAL[match[0]], text))  # noqa: S704 - just escaped


def embedded_script(source: str) -> Markup:
    """Write our own JavaScript for a script element; its strings may hold what looks like the element's end."""
    return Markup(re.sub(r"</(script)|<!--", _split, source, flags=re.IGNORECASE))  # noqa: S704 - no data in it


def _split(match: re.Match[str]) -> str:
    return f"<\\/{match[1]}" if match[1] else "\\u003c!--"


def script_hash(source: str) -> str:
    """Return the hash by which a content security policy allows a script."""
    return "sha256-" + b64encode(hashlib.sha256(source.encode()).digest()).decode("ascii")
