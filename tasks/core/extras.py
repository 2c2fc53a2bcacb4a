"""Packages that a method needs and that one of the program's extras installs."""

from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version

from tasks.core.errors import ConfigError


def find_release(package: str, *, extra: str, key: str, method: str) -> str:
    """Tell the version of a package that is installed; it is not imported.

    Parameters
    ----------
    package
        Its name and the least version that will do, ``anndata>=0.12``.
    extra
        The extra of this program that installs it.
    key, method
        Where the configuration asks for it, and who needs it, for the message.

    Raises
    ------
    ConfigError
        It is missing or too old; the message says what to install.
    """
    name, _, least = package.partition(">=")
    install = f"pip install -e '.[{extra}]'"
    try:
        got = version(name)
    except PackageNotFoundError:
        raise ConfigError(
            f"{key}: {method} needs the package {name}, which is not installed; install this program's extra: {install}"
        ) from None
    if Version(got) < Version(least):
        raise ConfigError(f"{key}: got {name} {got}, expected {least} or later; update it: {install}")
    return got
