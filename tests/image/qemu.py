"""What QEMU is told of a machine: its command line, and nothing that runs.

Always TCG unless told otherwise: where /dev/kvm is offered inside a virtual machine, it may start
and then hang in the firmware.
"""

import base64
import uuid
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "qemu-system-x86_64"
FIRMWARE = Path("/usr/share/OVMF")
# (code, variables) of Debian's package ovmf
PLAIN = (FIRMWARE / "OVMF_CODE_4M.fd", FIRMWARE / "OVMF_VARS_4M.fd")
SECURE = (FIRMWARE / "OVMF_CODE_4M.secboot.fd", FIRMWARE / "OVMF_VARS_4M.fd")

CONTROLLERS = {
    "virtio-blk": ["-device", "virtio-blk-pci,drive=disk,bootindex=1"],
    "nvme": ["-device", "nvme,drive=disk,serial=parallax,bootindex=1"],
    "virtio-scsi": ["-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=disk,bootindex=1"],
}

# What a cloud's hypervisor says of itself (DMI), as its guests tell where they are.
VENDORS = {
    "aws": ["type=1,manufacturer=Amazon EC2,product=m7i.large"],
    "google": ["type=1,manufacturer=Google,product=Google Compute Engine"],
    "azure": ["type=1,manufacturer=Microsoft Corporation,product=Virtual Machine",
              "type=3,manufacturer=Microsoft Corporation,asset=7783-7084-3265-9085-8269-3286-77"],
}


def credential(path, name, text):
    """Writes a file that gives the guest a systemd credential."""
    octets = base64.b64encode(text.encode()).decode()
    Path(path).write_text(f"io.systemd.credential.binary:{name}={octets}", encoding="ascii")
    return Path(path)


def tap(name, mac):
    """A network card that is plugged into a tap device."""
    return ("-netdev", f"tap,id=net,ifname={name},script=no,downscript=no",
            "-device", f"virtio-net-pci,netdev=net,mac={mac},romfile=")


def direct(kernel, initrd, command_line):
    """A kernel that the firmware starts without a disk."""
    return ("-kernel", str(kernel), "-initrd", str(initrd), "-append", command_line)


@dataclass
class Hardware:
    """One machine.

    disk        its disk, which is written to; None for a machine that boots otherwise
    nvram       a copy of the firmware's variables, written to
    console     where its serial console goes; appended to, so that a restart loses nothing
    credentials files that credential() has written
    cidata      an image with the document as cloud-init's NoCloud has it
    vendor      a key of VENDORS
    clock       what its real-time clock says at power-on, as QEMU's -rtc base= has it
    restarts    whether a restart of the guest's is one; otherwise it is its end
    network     QEMU's arguments for it, as tap() makes them
    more        further arguments, as direct() makes them
    """

    console: Path
    nvram: Path
    disk: Path | None = None
    disk_format: str = "qcow2"
    controller: str = "virtio-blk"
    memory_mib: int = 384
    processors: int = 2
    accelerator: str = "tcg"
    credentials: tuple = ()
    cidata: Path | None = None
    vendor: str | None = None
    clock: str = "utc"
    secure_boot: bool = False
    restarts: bool = False
    network: tuple = ("-nic", "none")
    more: tuple = ()

    def command(self):
        code, _ = SECURE if self.secure_boot else PLAIN
        return [
            PROGRAM, "-nodefaults", "-no-user-config", "-display", "none",
            "-machine", f"q35,smm={'on' if self.secure_boot else 'off'}",
            "-accel", self.accelerator, "-cpu", "max" if self.accelerator == "tcg" else "host",
            "-smp", str(self.processors), "-m", f"{self.memory_mib}M",
            "-uuid", str(uuid.uuid5(uuid.NAMESPACE_URL, str(self.nvram))),
            *(["-global", "driver=cfi.pflash01,property=secure,value=on"]
              if self.secure_boot else []),
            "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,unit=1,format=raw,file={self.nvram}",
            "-chardev", f"file,id=console,path={self.console},append=on",
            "-serial", "chardev:console", "-device", "virtio-rng-pci",
            "-rtc", f"base={self.clock}", *([] if self.restarts else ["-no-reboot"]),
            *self._disks(), *self._firmware_tables(), *self.network, *self.more]

    def _disks(self):
        words = []
        if self.disk:
            words += ["-drive", f"if=none,id=disk,format={self.disk_format},file={self.disk}",
                      *CONTROLLERS[self.controller]]
        if self.cidata:
            words += ["-drive", f"if=none,id=cidata,format=raw,readonly=on,file={self.cidata}",
                      "-device", "virtio-blk-pci,drive=cidata"]
        return words

    def _firmware_tables(self):
        words = []
        for table in VENDORS[self.vendor] if self.vendor else ():
            words += ["-smbios", table]
        for path in self.credentials:
            words += ["-smbios", f"type=11,path={path}"]
        return words
