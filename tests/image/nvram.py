"""The firmware's variables with an operator's Secure Boot keys enrolled in them.

What OVMF keeps in flash is a firmware volume with a store of authenticated variables (edk2,
MdeModulePkg/Include/Guid/VariableFormat.h). Into an empty store the keys are put as an owner does
it from the firmware's menu: platform key, key exchange key and the database of what may boot.
"""

import ssl
import struct
import uuid
from pathlib import Path

STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792").bytes_le
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c").bytes_le
DATABASE = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f").bytes_le
OWNER = uuid.UUID("6d706963-0000-4000-8000-00000000ffff").bytes_le
VARIABLE_START, ADDED = 0x55aa, 0x3f
# Kept, for boot services and at run time, changed only by who signs with a time stamp.
ATTRIBUTES = 0x01 | 0x02 | 0x04 | 0x20
HEADER = struct.Struct("<HBBIQ16sIII16s")
TIME = struct.pack("<H5BxIhBx", 2026, 1, 1, 0, 0, 0, 0, 0, 0)
STORE_HEADER_SIZE = 28


def signature_list(certificate):
    """A list of one certificate, in PEM."""
    der = ssl.PEM_cert_to_DER_cert(Path(certificate).read_text(encoding="ascii"))
    size = len(OWNER) + len(der)
    return X509 + struct.pack("<III", 28 + size, 0, size) + OWNER + der


def variable(name, vendor, data):
    encoded = name.encode("utf-16-le") + b"\0\0"
    whole = HEADER.pack(VARIABLE_START, ADDED, 0, ATTRIBUTES, 0, TIME, 0, len(encoded), len(data),
                        vendor) + encoded + data
    return whole + b"\xff" * (-len(whole) % 4)


def enrolled(empty, path, certificate):
    """Copies the empty variables to path, with this certificate for all three."""
    store = bytearray(Path(empty).read_bytes())
    at = store.index(STORE) + STORE_HEADER_SIZE
    one = signature_list(certificate)
    added = b"".join(variable(*row, one) for row in (
        ("db", DATABASE), ("KEK", GLOBAL), ("PK", GLOBAL)))
    if set(store[at:at + len(added)]) != {0xff}:
        raise ValueError(f"{empty} has variables already")
    store[at:at + len(added)] = added
    Path(path).write_bytes(store)
    return Path(path)
