"""What `fleet` does once everything is installed."""

import argparse
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[2]
# The command line of QEMU is the tests' own.
sys.path[:0] = [str(HERE), str(TOP / "tests/image")]

# pylint: disable=wrong-import-position
from localfleet import accelerator, coordinator, folder, guest, papers

# Of conf/regions.yaml, far enough apart and of all five RIRs, as a small fleet might be.
CODES = ("aws:eu-central-1", "aws:sa-east-1", "gcp:us-central1", "gcp:asia-northeast1",
         "azure:australiaeast", "azure:southafricanorth", "aws:ap-south-1", "azure:canadacentral")
FIRST_PORT = 18443


def arguments():
    parser = argparse.ArgumentParser(prog="fleet", description="A fleet on this machine, in QEMU.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start it and wait until it is ready")
    up.add_argument("--perspectives", type=int, default=5, metavar="N",
                    help="how many (default: %(default)s; fewer than 5 satisfy no rules)")
    up.add_argument("--image", type=Path, required=True, metavar="RAW",
                    help="parallax-perspective_VERSION.raw, as appliance/build wrote it")
    up.add_argument("--codes", type=lambda text: text.split(","), default=list(CODES),
                    help="which, with commas between (default: eight of the catalogue's)")
    up.add_argument("--memory", type=int, default=384, metavar="MIB",
                    help="of each (default: %(default)s)")
    up.add_argument("--port", type=int, default=FIRST_PORT,
                    help="of the first on 127.0.0.1; the others follow, the coordinator "
                    "is one below (default: %(default)s)")
    up.add_argument("--accel", choices=("tcg", "kvm"), help="default: kvm if it works here")
    up.add_argument("--wait", type=int, default=600, metavar="SECONDS",
                    help="for all to be ready (default: %(default)s)")
    up.add_argument("--document", type=Path, metavar="FILE",
                    help="YAML that every document ends with, such as caa_domains")
    up.add_argument("--coordinator", type=Path, metavar="FILE",
                    help="YAML that the coordinator's configuration ends with")
    commands.add_parser("status", help="say what runs; exit with 0 if all of it is ready")
    commands.add_parser("down", help="end it; its folder stays, to be used again or removed")
    for one in commands.choices.values():
        one.add_argument("--dir", type=Path, default=TOP / "build/fleet", metavar="DIR",
                         help="where keys, disks and logs are (default: build/fleet)")
    return parser.parse_args()


def up(given):
    """Leaves all of it running, or none."""
    if not 2 <= given.perspectives <= len(given.codes):
        raise folder.Failed(f"--perspectives: expected 2 to {len(given.codes)}")
    if not given.image.is_file():
        raise folder.Failed(f"{given.image}: there is no such image; appliance/build makes one")
    home = folder.Folder(given.dir)
    if home.running():
        raise folder.Failed(f"a fleet of {given.dir} runs already: fleet down --dir {given.dir}")
    accel = given.accel or accelerator.best()
    say(f"{given.perspectives} perspectives of {given.memory} MiB by {accel}")
    issued = papers.Papers(Path(os.environ["MPIC_BUILD"]), home.path)
    try:
        guests = [guest.Guest(home, issued, code, given.port + i)
                  for i, code in enumerate(given.codes[:given.perspectives])]
        for one in guests:
            one.start(given.image, given.memory, accel, _text(given.document))
        for took, one in guest.wait_all(guests, given.wait):
            say(f"{one.code} is ready after {took:.0f} s")
        front = coordinator.Coordinator(home, issued, given.port - 1, TOP / "conf")
        front.start(guests, _text(given.coordinator))
    except BaseException:
        home.end_all()
        raise
    say("the coordinator is ready; ask it with")
    print(front.example())


def status(given):
    home = folder.Folder(given.dir)
    if not home.parts:
        raise folder.Failed(f"there is no fleet in {given.dir}")
    issued = papers.Papers(Path(os.environ["MPIC_BUILD"]), home.path)
    states = [(part["code"], guest.Guest(home, issued, part["code"], part["port"]).state())
              for part in home.parts if part["code"] != coordinator.CODE]
    states += [(part["code"], coordinator.Coordinator(home, issued, part["port"], None).state())
               for part in home.parts if part["code"] == coordinator.CODE]
    for code, state in states:
        print(f"{code:<24} {state}")
    return 0 if all(state == "ready" for _, state in states) else 1


def down(given):
    home = folder.Folder(given.dir)
    ended = home.end_all()
    say(f"{ended} ended" if ended else f"nothing of {given.dir} was running")


def say(text):
    print(f"fleet: {text}", flush=True)


def _text(path):
    return path.read_text(encoding="utf-8") if path else ""


def main():
    given = arguments()
    try:
        return {"up": up, "status": status, "down": down}[given.command](given) or 0
    except (folder.Failed, OSError) as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
