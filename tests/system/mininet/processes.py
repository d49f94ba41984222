"""The processes of a world: its servers, and the command it was made for."""

import ctypes
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
SI_KERNEL = 0x80
STOP_S = 5
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_libc = ctypes.CDLL(None, use_errno=True)


def block_signals():
    """From here on signals wait for run_command(), so none can leave servers behind."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (*FORWARDED, signal.SIGCHLD))


def _unblock():
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def die_with_parent(number=signal.SIGTERM):
    """In a child before it executes its program: it gets this signal when its parent ends."""
    _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def _server_start():
    _unblock()
    # Should this world be killed outright, its servers still end.
    die_with_parent()


class Servers:
    """The servers of one world; stop() ends exactly these."""

    def __init__(self):
        self.running = {}     # name: (process, log)
        self.commands = {}    # name: what start() was given

    def start(self, name, command, log, cwd=None, env=None):
        with open(log, "ab") as out:
            # A session of their own: a Ctrl-C is for the command, which may still need them.
            self.running[name] = (subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, env=env,
                start_new_session=True, preexec_fn=_server_start), log)
        self.commands[name] = (command, log, cwd, env)

    def restart(self):
        """Starts again what has ended, as a service manager would; its names."""
        ended = [name for name, (process, _) in self.running.items()
                 if process.poll() is not None]
        for name in ended:
            self.start(name, *self.commands[name])
        return ended

    def check(self):
        """Raises if a server has ended."""
        for name, (process, _) in self.running.items():
            if process.poll() is not None:
                raise RuntimeError(
                    f"{name} ended with status {process.returncode}\n{self.last_lines(name)}")

    def last_lines(self, name):
        """The end of a server's log."""
        with open(self.running[name][1], encoding="utf-8", errors="replace") as text:
            return "".join(text.readlines()[-10:])

    def stop(self):
        for process, _ in self.running.values():
            if process.poll() is None:
                process.terminate()
        for process, _ in self.running.values():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def run_command(command, environment, servers):
    """Runs command, forwards signals to it, and returns its exit status as a shell would."""
    try:
        child = subprocess.Popen(command, env={**os.environ, **environment}, preexec_fn=_unblock)
    except OSError as error:
        print(f"world: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    while child.poll() is None:
        got = signal.sigwaitinfo((*FORWARDED, signal.SIGCHLD))
        if got.si_signo == signal.SIGCHLD:
            try:
                servers.check()
            except RuntimeError as error:
                print(f"world: {error}", file=sys.stderr)
        elif got.si_code != SI_KERNEL:
            # The kernel's own come from the terminal, which has sent them to the command as well.
            child.send_signal(got.si_signo)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode
