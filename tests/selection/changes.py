"""What git says of a checkout: the files that a change touches, and a number that grows with the commits."""

import os
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

LANDED = ("origin/main", "main")


@dataclass(frozen=True)
class Changes:
    """Paths relative to the root, and the commit that they are counted from; without history, `since` is `None`."""

    files: frozenset[str]
    since: str | None


def git(root: Path, *arguments: str) -> str | None:
    """The output of a git command, without the blanks at its ends; `None` where it fails."""
    try:
        done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def starting_commit(root: Path) -> str | None:
    """`SINCE` of the environment, else the merge base with the landed main, else the previous commit."""
    if os.environ.get("SINCE"):
        return git(root, "rev-parse", "--verify", "--quiet", f"{os.environ['SINCE']}^{{commit}}")
    head = git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    for landed in LANDED:
        base = git(root, "merge-base", "HEAD", landed)
        if base and base != head:
            return base
    return git(root, "rev-parse", "--verify", "--quiet", "HEAD~1")


def changes(root: Path) -> Changes:
    """Committed, uncommitted and untracked files; without history only the last two, without git none."""
    since = starting_commit(root)
    listed = (
        git(root, "diff", "--name-only", "--no-renames", since or "HEAD"),
        git(root, "ls-files", "--others", "--exclude-standard"),
    )
    return Changes(frozenset(path for lines in listed for path in (lines or "").splitlines()), since)


def rotation(root: Path) -> int:
    """`ROTATION` of the environment, else the number of commits; without history, a hash of what is checked out."""
    if os.environ.get("ROTATION"):
        return int(os.environ["ROTATION"])
    count = int(git(root, "rev-list", "--count", "HEAD") or 0)
    if count > 1 and git(root, "rev-parse", "--is-shallow-repository") == "false":
        return count
    tree = git(root, "rev-parse", "--verify", "--quiet", "HEAD^{tree}")
    if tree:
        return int(tree[:8], 16)
    sources = sorted((root / "genjax_models").rglob("*.py"))
    return zlib.crc32(b"".join(path.read_bytes() for path in sources))
