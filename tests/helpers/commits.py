"""Git in a folder of a test."""

import os
import subprocess


def git(folder, *arguments):
    """Git in a folder, without the settings of whoever runs the tests."""
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    author = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "init.defaultBranch=main"]
    command = ["git", "-C", str(folder), *author, *arguments]
    done = subprocess.run(
        command, env=os.environ | settings, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder):
    """Commit everything in a folder; the commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    return git(folder, "rev-parse", "HEAD")
