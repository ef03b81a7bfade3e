#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Runs a program under a filter of system calls, as a service manager does.

underfilter.py ACTION USER ALLOWED... -- PROGRAM [ARGUMENT]...

ACTION is what comes of a call that is not allowed: kill, trap, or an error's
number.  ALLOWED is read from left to right: a call, a group of systemd's as
systemd-analyze(1) lists it, or with "~" before it, what is taken out again.
USER is a number, or "-" for nobody else.  77: none of this can be had here.
"""
import os
import subprocess
import sys

try:
    import seccomp
except ImportError:
    sys.exit(77)


def groups():
    found, name = {}, None
    try:
        text = subprocess.run(
            ["systemd-analyze", "syscall-filter", "--no-pager"],
            capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        sys.exit(77)
    for line in text.splitlines():
        word = line.strip()
        if line.startswith("@"):
            name = word
            found[name] = []
        elif word and name and not word.startswith("#"):
            found[name].append(word)
    return found


def calls(word, known):
    if not word.startswith("@"):
        return {word}
    return set().union(*(calls(w, known) for w in known.get(word, [])))


def allowed(words):
    known, out = groups(), set()
    for word in words:
        if word.startswith("~"):
            out -= calls(word[1:], known)
        else:
            out |= calls(word, known)
    return out


def main():
    action, user = sys.argv[1:3]
    end = sys.argv.index("--")
    what = {"kill": seccomp.KILL_PROCESS, "trap": seccomp.TRAP}.get(action)
    if what is None:
        what = seccomp.ERRNO(int(action))
    rules = seccomp.SyscallFilter(what)
    for name in allowed(sys.argv[3:end]):
        try:
            rules.add_rule(seccomp.ALLOW, name)
        except (RuntimeError, ValueError):
            pass  # of another machine, or newer than the library
    if user != "-":
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    # without this only root may load it
    rules.set_attr(seccomp.Attr.CTL_NNP, True)
    rules.load()
    os.execv(sys.argv[end + 1], sys.argv[end + 1:])


main()
