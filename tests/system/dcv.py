"""Checks of domain control validation as a test writes them: a row a case.

A Case is a target, what dcv_check_parameters hold, and what must come of it; ask_all() asks a
perspective for all of them at once, since servers that are slow or dead take their time.
"""

import base64
import concurrent.futures
from dataclasses import dataclass, field

from mininet import challenge, webhosts

DEADLINE_MS = 10000
AT_ONCE = 48

LOOKUP = "mpic_error:dcv_checker:lookup"
CERTIFICATE = "mpic_error:dcv_checker:tls_alpn:certificate:"
REDIRECT = "mpic_error:redirect:invalid"
# code: (fault, retryable, completed, Open MPIC's error_type or None)
PROBLEMS = {
    "no-record": ("target", True, True, LOOKUP),
    "no-match": ("target", True, True, None),
    "dns-bogus": ("target", False, False, LOOKUP),
    "dns-failed": ("target", True, False, LOOKUP),
    "dns-timeout": ("target", True, False, LOOKUP),
    "no-address": ("target", True, False, LOOKUP),
    "address-refused": ("target", False, False, LOOKUP),
    "connection-refused": ("target", True, False, LOOKUP),
    "connection-failed": ("target", True, False, LOOKUP),
    "connection-timeout": ("target", True, False, LOOKUP),
    "connection-reset": ("target", True, False, LOOKUP),
    "tls-failed": ("target", True, False, LOOKUP),
    "tls-timeout": ("target", True, False, LOOKUP),
    "http-timeout": ("target", True, False, LOOKUP),
    "http-malformed": ("target", False, False, LOOKUP),
    "http-too-large": ("target", False, False, LOOKUP),
    "http-status": ("target", True, True, "mpic_error:http"),
    "redirect-refused": ("target", False, True, REDIRECT),
    "too-many-redirects": ("target", False, True, REDIRECT),
    "regex-limit": ("target", False, True, None),
    "alpn-not-negotiated": ("target", True, True, LOOKUP),
    "certificate-malformed": ("target", False, True, CERTIFICATE + "extension_missing"),
    "no-acme-identifier": ("target", True, True, CERTIFICATE + "extension_missing"),
    "acme-identifier-not-critical": ("target", False, True,
                                     CERTIFICATE + "noncritical_alpn_extension"),
    "not-one-san": ("target", False, True, CERTIFICATE + "no_single_san"),
    "san-not-dns-name": ("target", False, True, CERTIFICATE + "san_not_dnsname"),
    "san-not-ip-address": ("target", False, True, CERTIFICATE + "san_type_not_match"),
    "san-not-target": ("target", False, True, CERTIFICATE + "san_not_hostname"),
}


USUAL = (("token", challenge.TOKEN), ("key_authorization", challenge.KEY_AUTHORIZATION),
         ("key_authorization_hash", challenge.DIGEST), ("http_token_path", challenge.PAGE),
         ("key_authorization_hash", challenge.KEY_HASH.hex()), ("account_uri", challenge.ACCOUNT),
         ("challenge_value", challenge.VALUE), ("issuer_domain_names", [challenge.ISSUER]),
         ("expected_account_uri", challenge.ACCOUNT))


@dataclass(frozen=True)
class Case:
    """One check.

    problem  the code expected, None for a pass
    says     what its sentence must have in it
    details  members of the details that must be so
    """

    target: str
    parameters: dict = field(hash=False)
    problem: str | None = None
    says: str = ""
    details: dict = field(default_factory=dict, hash=False)
    deadline_ms: int = DEADLINE_MS

    @property
    def body(self):
        return {"domain_or_ip_target": self.target, "dcv_check_parameters": self.parameters,
                "deadline_ms": self.deadline_ms}

    def __str__(self):
        """Its target, what is not as most of its method have it, and what is expected."""
        method = self.parameters["validation_method"]
        own = [f"{key}={value}"[:60] for key, value in self.parameters.items()
               if (key, value) not in USUAL and key != "validation_method"]
        return " ".join([method, self.target, *own, self.problem or "passes"])


def ask(client, case):
    """The result of a check, which must have come with 200."""
    reply = client.ask("/dcv", case.body)
    assert reply.status == 200, reply.text
    return reply.json


def corroborate(caller, case, check_type="dcv", **more):
    """A coordinator's answer from six perspectives, which must have come with 200."""
    reply = caller.ask("/mpic", {"check_type": check_type, **case.body,
                                 "orchestration_parameters": {"perspective_count": 6}, **more})
    assert reply.status == 200, reply.text
    return reply.json


def ask_all(client, cases):
    """The result of each, or the exception, in the order of the cases."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(ask, client, case) for case in cases]
    return [future.exception() or future.result() for future in futures]


def judge(case, result):
    """Fails unless the result is what the case expects, and well-formed whatever it is."""
    if isinstance(result, BaseException):
        raise result
    got = result["problem"]
    if case.problem is None:
        assert got is None and result["errors"] is None, got
        assert result["check_passed"] is True and result["check_completed"] is True
    else:
        assert got is not None, "it passed"
        assert got["code"] == case.problem, got
        fault, retryable, completed, error = PROBLEMS[case.problem]
        assert (got["fault"], got["retryable"]) == (fault, retryable)
        assert result["check_passed"] is False and result["check_completed"] is completed
        assert case.says in got["message"], got["message"]
        errors = [{"error_type": error, "error_message": got["message"]}] if error else None
        assert result["errors"] == errors
    assert result["check_type"] == "dcv"
    details = result["details"]
    assert details["validation_method"] == case.parameters["validation_method"]
    for key, value in case.details.items():
        assert details[key] == value, (key, details[key])


# -- parameters


def http01(**more):
    return {"validation_method": "acme-http-01", "token": challenge.TOKEN,
            "key_authorization": challenge.KEY_AUTHORIZATION, **more}


def website(**more):
    return {"validation_method": "website-change", "challenge_value": challenge.VALUE,
            "http_token_path": challenge.PAGE, **more}


def tls_alpn(key_hash=challenge.KEY_HASH.hex()):
    return {"validation_method": "acme-tls-alpn-01", "key_authorization_hash": key_hash}


def dns01(digest=challenge.DIGEST, **more):
    return {"validation_method": "acme-dns-01", "key_authorization_hash": digest, **more}


def account01(account=challenge.ACCOUNT, digest=challenge.DIGEST):
    return {"validation_method": "dns-account-01", "key_authorization_hash": digest,
            "account_uri": account}


def change(rdtype="TXT", value=challenge.VALUE, **more):
    return {"validation_method": "dns-change", "challenge_value": value,
            "dns_record_type": rdtype, **more}


def persistent(issuers=(challenge.ISSUER,), account=challenge.ACCOUNT, **more):
    return {"validation_method": "dns-persistent", "issuer_domain_names": list(issuers),
            **({"expected_account_uri": account} if account else {}), **more}


def contact(method, value):
    return {"validation_method": f"contact-{method}", "challenge_value": value}


def ip_address(value, rdtype="A", **more):
    return {"validation_method": "ip-address", "challenge_value": value,
            "dns_record_type": rdtype, **more}


def reverse(value="www.permit.com", **more):
    return {"validation_method": "reverse-address-lookup", "challenge_value": value, **more}


# -- what the world has


def address(host, family=4):
    """A web server's own address."""
    return webhosts.published(webhosts.BY_NAME[host], family)[0]


def page(result):
    """response_page, decoded."""
    return base64.b64decode(result["details"]["response_page"], validate=True)
