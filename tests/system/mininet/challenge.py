"""The challenges that the mini-Internet answers: values that a CA would have given out.

Web servers serve them (web.py), zones hold them (RECORDS), tests ask for them.
"""

import base64
import hashlib

TOKEN = "lXG1yGLkSVbXoKsNR_1Mbq0Y-3gVYz2cGz0hJ5lT4dE"
KEY_AUTHORIZATION = TOKEN + ".rQ8vXvT9o3Zs1cWk5yL7a2fE4bN6mJ0dHgPuIxSqRtA"
KEY_HASH = hashlib.sha256(KEY_AUTHORIZATION.encode()).digest()
# What a TXT record holds of it (RFC 8555 8.4).
DIGEST = base64.urlsafe_b64encode(KEY_HASH).rstrip(b"=").decode()
OTHER_DIGEST = base64.urlsafe_b64encode(hashlib.sha256(b"another").digest()).rstrip(b"=").decode()

# Of the website and DNS change methods, with letters of both cases.
VALUE = "Parallax-Value-7Fq2Zc9XwB"
PAGE = "value.txt"
ACME_PATH = "/.well-known/acme-challenge/" + TOKEN
PAGE_PATH = "/.well-known/pki-validation/" + PAGE

ACCOUNT = "https://ca1.com/acct/1"
OTHER_ACCOUNT = "https://ca1.com/acct/2"
ISSUER = "ca1.com"
NEVER = 4102444800    # 2100-01-01
PAST = 1700000000
EMAIL = "hostmaster@dcv.com"
PHONE = "+1 555 0100"


def account_label(account):
    """The label of dns-account-01 for an ACME account's URL."""
    digest = hashlib.sha256(account.encode()).digest()[:10]
    return "_" + base64.b32encode(digest).decode().lower()


def _txt(owner, *strings):
    return f"{owner} TXT " + " ".join(f'"{text}"' for text in strings)


def _acme(name, *strings):
    return _txt("_acme-challenge." + name, *strings)


def _persist(name, *values):
    return tuple(_txt("_validation-persist." + name, value.replace('"', '\\"'))
                 for value in values)


_RIGHT = f"{ISSUER}; accounturi={ACCOUNT}"
_ARABIC = "".join(f"\\217\\{160 + int(digit)}" for digit in str(NEVER))   # U+0660 and so on

TXT = (
    _acme("exact", DIGEST),
    _acme("other", OTHER_DIGEST),
    *(_acme("several", text) for text in ("v=spf1 -all", OTHER_DIGEST, DIGEST)),
    _acme("strings", DIGEST[:10], DIGEST[10:], ""),
    _acme("binary", "\\255\\254\\000\\128"),
    _acme("binary", DIGEST),
    _acme("binary-only", "\\255\\254\\000\\128"),
    *(_acme("many", f"record number {i}, which is not the one looked for") for i in range(299)),
    _acme("many", DIGEST),
    _acme("longer", DIGEST + "x"),
    _acme("spaces", f" {DIGEST} "),
    _acme("capitals", DIGEST.upper()),
    _acme("empty", ""),
    "_acme-challenge.alias CNAME _acme-challenge.exact",
    "_acme-challenge.gone CNAME _acme-challenge.nowhere",
    "_acme-challenge.bogus-alias CNAME _acme-challenge.dcv-bogus.org.",
    "_acme-challenge.secure-alias CNAME _acme-challenge.exact.dcv.org.",
    "address A 93.184.216.10",
    _txt(f"{account_label(ACCOUNT)}._acme-challenge.account", DIGEST),
    _txt(f"{account_label(OTHER_ACCOUNT)}._acme-challenge.account", OTHER_DIGEST),
)

CHANGE = (
    _txt("_change.txt", VALUE),
    _txt("txt", VALUE),
    _txt("within", f"site={VALUE}; more"),
    _txt("lower", VALUE.lower()),
    f"cname CNAME {VALUE}.targets.dcv.com.",
    f"_change.cname CNAME {VALUE}.",
    f'caa CAA 0 issue "{VALUE}"',
    f'caa CAA 0 issuewild "{ISSUER}"',
)

PERSIST = (
    *_persist("right", _RIGHT),
    *_persist("capitals", f"CA1.Com;  ACCOUNTURI={ACCOUNT}  "),
    *_persist("until", f"{_RIGHT}; persistUntil={NEVER}"),
    *_persist("over", f"{_RIGHT}; persistUntil={PAST}"),
    *_persist("wild", f"{_RIGHT}; policy=wildcard"),
    *_persist("wild-capitals", f"{_RIGHT}; policy=WildCard"),
    *_persist("policy", f"{_RIGHT}; policy=strict"),
    *_persist("unknown", f"{_RIGHT}; newer=thing; policy=wildcard"),
    *_persist("account", f"{ISSUER}; accounturi={OTHER_ACCOUNT}"),
    *_persist("account-case", f"{ISSUER}; accounturi={ACCOUNT.replace('acct', 'ACCT')}"),
    *_persist("account-twice", f"{_RIGHT}; accounturi={ACCOUNT}"),
    *_persist("account-none", ISSUER),
    *_persist("until-twice", f"{_RIGHT}; persistUntil={NEVER}; persistUntil={NEVER}"),
    *_persist("until-underscore", f"{_RIGHT}; persistUntil=4_102_444_800"),
    *_persist("until-script", f"{_RIGHT}; persistUntil={_ARABIC}"),
    *_persist("until-sign", f"{_RIGHT}; persistUntil=+{NEVER}"),
    *_persist("until-empty", f"{_RIGHT}; persistUntil="),
    *_persist("until-huge", f"{_RIGHT}; persistUntil={'9' * 40}"),
    *_persist("issuer", f"ca2.com; accounturi={ACCOUNT}"),
    *_persist("issuer-none", f"; accounturi={ACCOUNT}"),
    *_persist("issuer-within", f"notca1.com; accounturi={ACCOUNT}"),
    *_persist("grammar", f"{ISSUER} accounturi={ACCOUNT}"),
    *_persist("grammar-tag", f"{_RIGHT}; -=x"),
    *_persist("grammar-end", f"{_RIGHT};"),
    *_persist("binary", "\\255\\254; accounturi=\\128", _RIGHT),
    *_persist("several", f"ca2.com; accounturi={ACCOUNT}", f"{_RIGHT}; persistUntil={PAST}",
              _RIGHT),
    "_validation-persist.alias CNAME _validation-persist.right",
)

CONTACT = (
    _txt("_validation-contactemail.mail", EMAIL),
    _txt("_validation-contactemail.mails", "other@dcv.com"),
    _txt("_validation-contactemail.mails", EMAIL),
    _txt("_validation-contactphone.phone", PHONE),
    f'caa-contact CAA 0 contactemail "{EMAIL}"',
    f'caa-contact CAA 0 contactphone "{PHONE}"',
    "host.below.caa-contact A 93.184.216.10",
    'caa-contacts CAA 0 contactemail "other@dcv.com"',
    f'caa-contacts CAA 0 contactemail "{EMAIL}"',
    f'caa-nearer.caa-contact CAA 0 issue "{ISSUER}"',
)

ADDRESSES = (
    "one A 93.184.216.10",
    "one AAAA 2606:2800:220:1::a",
    "two A 93.184.216.11",
    "two A 93.184.216.10",
    "one-alias CNAME one",
)

# Names in a certificate whose control is proved elsewhere: above, or where a CNAME leads.
NAMES = (
    _acme("shop", DIGEST), _txt("_acme-challenge", DIGEST), "www.shop A 93.184.216.10",
    "alias CNAME _x.hosted.adn.org.", "two CNAME alias", "gone CNAME nowhere.adn.org.",
    "to-bogus CNAME alias.dcv-bogus.org.", "to-dead CNAME x.dcv-dead.com.",
    "odd CNAME a\\.b.adn.org.", "self CNAME self",
    *_persist("persist", f"{_RIGHT}; policy=wildcard"), *_persist("strict", _RIGHT),
)
NAMES_SIGNED = (
    _txt("_acme-challenge", DIGEST), _acme("_x.hosted", DIGEST), "www A 93.184.216.10",
    "alias CNAME _x.hosted", "plain CNAME shop.adn.com.", "sub DNAME hosted",
)
RECORDS = TXT + CHANGE + PERSIST + CONTACT + ADDRESSES
# A signed zone has one of each kind.
SIGNED = (_acme("exact", DIGEST), _acme("other", OTHER_DIGEST), _txt("txt", VALUE),
          *_persist("right", _RIGHT), _txt("_validation-contactemail.mail", EMAIL),
          f'@ CAA 0 contactemail "{EMAIL}"',
          "_acme-challenge.plain CNAME _acme-challenge.exact.dcv.com.",
          "_acme-challenge.bad CNAME _acme-challenge.dcv-bogus.org.")
BOGUS = (_txt("_acme-challenge", DIGEST), _txt("@", VALUE),
         _txt("_validation-persist", _RIGHT), f'@ CAA 0 contactemail "{EMAIL}"',
         "www A 93.184.216.10", "alias CNAME exact.dcv.com.")
# Of addresses, in their reverse zones.
REVERSE_PERSIST = _txt("_ip-validation-persist.10", _RIGHT)
REVERSE_PERSIST_6 = _txt("_ip-validation-persist.a" + ".0" * 15, _RIGHT)
