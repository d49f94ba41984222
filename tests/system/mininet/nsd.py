"""Four NSD instances: root, TLDs, leaf zones, and zones below leaf zones.

They are separate processes on separate addresses so that delegations are real: a root server must
give referrals, never the answer of a leaf zone it happens to know.
"""

import re
import subprocess

from . import zonefiles, zones

INSTANCES = ("root", "tld", "leaf", "sub")


def _version():
    done = subprocess.run(["nsd", "-v"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\d+)\.(\d+)", done.stdout + done.stderr)
    return tuple(map(int, found.groups())) if found else (0, 0)


def write_configs(folder, run):
    """Writes one nsd.conf an instance under run; returns {instance: path}."""
    # Before 4.8 NSD keeps a database file unless told not to; later ones have none to configure.
    database = '\tdatabase: ""\n' if _version() < (4, 8) else ""
    configs = {}
    for instance in INSTANCES:
        home = run / f"nsd-{instance}"
        home.mkdir()
        configs[instance] = home / "nsd.conf"
        configs[instance].write_text(_config(instance, folder, home, database), encoding="utf-8")
    return configs


def _config(instance, folder, home, database):
    served = [zone for zone in zones.ZONES if zone.server == instance]
    pairs = [pair for zone in served for _, *pair in zones.servers(zone)]
    addresses = dict.fromkeys(address for pair in pairs for address in pair)
    listen = "".join(f"\tip-address: {address}\n" for address in addresses)
    # No user to change to: in a user namespace only one is mapped.
    head = f"""server:
{listen}{database}	port: 53
	server-count: 1
	tcp-count: 200
	username: ""
	zonesdir: "{folder}"
	zonelistfile: "{home}/zone.list"
	xfrdfile: "{home}/xfrd.state"
	xfrdir: "{home}"
	pidfile: "{home}/pid"
	logfile: "{home}/log"
	rrl-ratelimit: 0
	rrl-whitelist-ratelimit: 0
	minimal-responses: yes
	zonefiles-check: no
	zonefiles-write: 0
remote-control:
	control-enable: no
"""
    return head + "".join(
        f'zone:\n\tname: "{zone.name}"\n\tzonefile: "{zonefiles.file_stem(zone)}.zone"\n'
        for zone in served)


def command(config):
    return ["nsd", "-d", "-c", str(config)]
