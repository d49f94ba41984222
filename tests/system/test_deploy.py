"""appliance/deploy: modules for OpenTofu, read with its own parser, and evaluated where what comes
out can be foreseen. Whether clouds do what the modules ask is for clouds to say."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from coordinators import policy_file
from hcl import evaluation, modules
from hcl.expression import Fault, dotted, parse, walk
from npm_tools import NPM, need_npm

TOP = Path(__file__).resolve().parents[2]
DEPLOY = TOP / "appliance/deploy"
CLOUDS = {"aws": "aws", "gcp": "google", "azure": "azure"}
# Other partitions of the same cloud need accounts, and so fleets, of their own.
ELSEWHERE = re.compile(r"aws:(cn|us-gov|eusc)-|azure:(china|usgov)")
LANGUAGE = {"each", "path", "self"}
SCHEMA = yaml.safe_load((Path(__file__).parent / "hcl/schema.json").read_text(encoding="utf-8"))
CATALOGUE = [row["code"] for row in
             yaml.safe_load((TOP / "conf/regions.yaml").read_text(encoding="utf-8"))["regions"]]
EXAMPLE = DEPLOY / "fleet/fleet.tfvars.example"


@pytest.fixture(scope="module")
def files():
    need_npm("read HCL")
    return modules.read([*sorted(DEPLOY.glob("*/*.tf")), EXAMPLE], NPM)


@pytest.fixture(scope="module")
def loaded(files):
    """Modules by the names of their folders."""
    return {folder.name: modules.Module(folder, [said["blocks"] for path, said in files.items()
                                                 if path.parent == folder and path.suffix == ".tf"])
            for folder in sorted({path.parent for path in files})}


@pytest.fixture(params=(*CLOUDS.values(), "fleet"))
def module(request, loaded):
    return loaded[request.param]


# ---- form ----

def test_every_file_can_be_parsed(files):
    assert len(files) > 15
    assert {path: said["fault"] for path, said in files.items() if "fault" in said} == {}


def test_every_file_is_formatted(files):
    assert [path for path, said in files.items()
            if said["formatted"] != path.read_text(encoding="utf-8")] == []


def test_what_is_not_formatted_is_seen(tmp_path):
    need_npm("read HCL")
    (tmp_path / "x.tf").write_text('output "x" {\n  value = 1\n  description = "y"\n}\n')
    (tmp_path / "y.tf").write_text("resource {\n")
    said = modules.read(sorted(tmp_path.iterdir()), NPM)
    assert "  value       = 1\n" in said[tmp_path / "x.tf"]["formatted"]
    assert "fault" in said[tmp_path / "y.tf"]


# ---- names ----

def test_what_is_declared_is_used_and_what_is_used_is_declared(module):
    used = module.references()
    assert {name[1] for name in used if name[0] == "var"} == set(module.variables)
    assert {name[1] for name in used if name[0] == "local"} == set(module.locals)
    read = {name[1:3] for name in used if name[0] == "data"}
    assert read == {(kind, name) for sort, kind, name, _ in module.things() if sort == "data"}


def test_everything_referred_to_is_there(module, loaded):
    things = {(sort, kind, name) for sort, kind, name, _ in module.things()}
    for chain in module.references():
        if chain[0] in ("var", "local") or chain[0] in own_names(module):
            continue
        if chain[0] == "module":
            assert chain[1] in module.calls
        elif chain[0] == "data":
            assert ("data", *chain[1:3]) in things, chain
            is_of(SCHEMA["data"][chain[1]], chain[3:], chain)
        else:
            assert ("resource", *chain[:2]) in things, chain
            if chain[0] != "terraform_data":
                is_of(SCHEMA["resource"][chain[0]], chain[2:], chain)


def own_names(module):
    """Of the language; of dynamic blocks; and of members whose changes are ignored."""
    found = set(LANGUAGE)
    for *_, body in module.things():
        found |= set(body.get("dynamic", {}))
        for row in body.get("lifecycle", []):
            found |= {dotted(parse(name))[0] for name in row.get("ignore_changes", [])}
    return found


def is_of(schema, rest, chain):
    """Whole things may be referred to, or a member of theirs."""
    assert not rest or rest[0] in schema["members"] or rest[0] in schema["read_only"], chain


def test_outputs_asked_for_of_modules_are_there(loaded):
    fleet = loaded["fleet"]
    asked = {chain for chain in fleet.references() if chain[0] == "made"} | {
        dotted(node) for one in fleet.expressions() for node in walk(one)
        if node.kind == "attribute" and (dotted(node) or "-")[0] == "made"}
    assert {chain[1] for chain in asked} == {"addresses"}
    assert all(set(loaded[name].outputs) == {"addresses"} for name in CLOUDS.values())


def test_modules_get_their_inputs_and_no_others(loaded):
    for name, call in loaded["fleet"].calls.items():
        asked = loaded[call["source"].removeprefix("../")].variables
        assert set(call) - {"source", "count", "depends_on"} == set(asked), name


def test_functions_are_those_there_are(module):
    known = {*evaluation.FUNCTIONS, *evaluation.OTHER_FUNCTIONS, "can", "try"}
    for expression in module.expressions():
        assert {node.value for node in walk(expression) if node.kind == "call"} <= known


# ---- what providers know ----

def test_resources_are_as_the_providers_have_them(module):
    for sort, kind, name, body in module.things():
        if kind != "terraform_data":
            conforms(SCHEMA[sort][kind]["members"],
                     {key: value for key, value in body.items() if key not in modules.META},
                     f"{kind}.{name}")


def conforms(members, body, where):
    """Required members are there, all are known, and blocks are so in turn."""
    body = dict(body)
    for kind, rows in body.pop("dynamic", {}).items():
        body[kind] = [row for one in rows for row in one["content"]]
    needed = {name for name, row in members.items() if row["required"]}
    assert needed <= set(body), f"{where}: {needed - set(body)} missing"
    assert set(body) <= set(members), f"{where}: {set(body) - set(members)} unknown"
    for name, value in body.items():
        inner = members[name].get("block")
        if inner and isinstance(value, list):
            for row in value:
                conforms(inner, row, f"{where}.{name}")


@pytest.mark.parametrize("body, says", (
    ({"bucket_prefixes": "x"}, "unknown"), ({"website": [{"indexes": 1}]}, "unknown")))
def test_what_a_provider_does_not_know_is_seen(body, says):
    with pytest.raises(AssertionError, match=says):
        conforms(SCHEMA["resource"]["aws_s3_bucket"]["members"], body, "bucket")
    with pytest.raises(AssertionError, match="missing"):
        conforms(SCHEMA["resource"]["aws_ami"]["members"], {}, "ami")


def test_providers_are_pinned_to_what_was_looked_at(loaded):
    fleet = loaded["fleet"].blocks["terraform"][0]["required_providers"][0]
    for name in CLOUDS.values():
        (settings,) = loaded[name].blocks["terraform"]
        assert settings["required_version"] == ">= 1.9"
        for provider, row in settings["required_providers"][0].items():
            assert fleet[provider] == row
            major, minor = re.fullmatch(r"~> (\d+)\.(\d+)", row["version"]).groups()
            assert SCHEMA["versions"][provider].split(".")[:2] == [major, minor]


# ---- regions ----

@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_module_takes_the_regions_of_its_cloud_in_the_catalogue(cloud, loaded):
    module = loaded[CLOUDS[cloud]]
    own = {code for code in CATALOGUE if code.startswith(cloud + ":")}
    taken = {code for code in own if not list(module.refusals(
        {"regions": [code.split(":")[1]], "network_tier": "PREMIUM"}))}
    assert len(own) > 35 and own - taken == {code for code in own if ELSEWHERE.match(code)}


@pytest.mark.parametrize("cloud, region", (
    ("aws", "eu-central"), ("aws", "germanywestcentral"), ("aws", "eu-central-1a"),
    ("google", "eu-central-1"),
    ("google", "europe-west3-a"), ("azure", "eu-central-1"), ("azure", "West Europe")))
def test_other_names_of_regions_are_refused(cloud, region, loaded):
    (message,) = loaded[cloud].refusals({"regions": [region], "network_tier": "STANDARD"})
    assert message.startswith("Expected regions of")


# ---- the fleet ----

@pytest.fixture
def given(files, build_dir, tmp_path):
    """Values of variables: the example's, with documents that mpic has issued."""
    variables = modules.value(files[EXAMPLE]["blocks"], {})
    documents = tmp_path / "documents"
    documents.mkdir()
    subprocess.run([build_dir / "mpic", "pki", "init", tmp_path / "ca"], check=True)
    for code in variables["regions"]:
        issued = subprocess.run(
            [build_dir / "mpic", "pki", "issue", tmp_path / "ca", "--perspective", code],
            capture_output=True, text=True, check=True)
        (documents / f"{code}.yaml").write_text(issued.stdout, encoding="ascii")
        (documents / f"{code}.row").write_text(issued.stderr, encoding="ascii")
    return {**variables, "documents": str(documents)}


def refusals(fleet, variables):
    """Of validations, and of what must hold between variables."""
    yield from fleet.refusals(variables)
    names = fleet.scope(variables)
    (checked,) = fleet.blocks["resource"]["terraform_data"]["checked"]
    for rule in checked["lifecycle"][0]["precondition"]:
        if not evaluation.evaluate(parse(rule["condition"]), names):
            yield modules.value(rule["error_message"], names)


def test_the_example_is_good(loaded, given):
    assert list(refusals(loaded["fleet"], given)) == []


@pytest.mark.parametrize("change, says", (
    ({"regions": ["aws:eu-central-1"]}, "Expected at least 5 regions"),
    ({"regions": ["aws:eu-central-1"] * 5}, "A region is given twice"),
    ({"coordinator_addresses": ["0.0.0.0/0"]}, "none of them the whole Internet"),
    ({"coordinator_addresses": ["192.0.2.10/32", "::/0"]}, "none of them the whole Internet"),
    ({"coordinator_addresses": []}, "Expected networks"),
    ({"coordinator_addresses": ["ca.example"]}, "Expected networks"),
    ({"coordinator_calls": "both"}, "Expected ipv4 or ipv6"),
    ({"image_version": "latest"}, "Expected a version"),
    ({"name": "-"}, "Expected 3 to 17"),
    ({"google_project": None}, "google_project: expected"),
    ({"azure_subscription": None}, "azure_subscription: expected")))
def test_what_is_wrong_is_named(change, says, loaded, given):
    found = list(refusals(loaded["fleet"], {**given, **change}))
    assert any(says in message for message in found), found


def test_a_region_must_be_in_the_catalogue(loaded, given):
    documents = Path(given["documents"])
    shutil.copy(documents / "aws:eu-central-1.yaml", documents / "aws:eu-central-9.yaml")
    regions = [*given["regions"][1:], "aws:eu-central-9"]
    assert list(refusals(loaded["fleet"], {**given, "regions": regions})) == [
        "Not in the catalogue of regions: aws:eu-central-9.",
        f"A document in {documents} is that of another perspective than its file's name says."]
    other = {**given, "regions": ["oci:fra"] * 5}
    assert "Expected codes" in "".join(loaded["fleet"].refusals(other))


def test_a_document_that_is_missing_stops_it(loaded, given):
    (Path(given["documents"]) / "aws:eu-central-1.yaml").unlink()
    with pytest.raises(Fault, match="aws:eu-central-1.yaml"):
        list(refusals(loaded["fleet"], given))


def addresses(first):
    """What a module would put out, `first` telling the clouds' apart."""
    return lambda regions: {
        region: {"ipv4": f"192.0.{first}.{i + 1}", "ipv6": f"2001:db8:{first}::{i + 1}"}
        for i, region in enumerate(regions)}


def listed(loaded, variables):
    """What the output `perspectives` says."""
    fleet = loaded["fleet"]
    names = fleet.scope(variables)
    made = {CLOUDS[cloud]: addresses(i + 1)(regions)
            for i, (cloud, regions) in enumerate(names["local"]["regions"].items())}
    names["module"] = {name: [{"addresses": where}] if where else []
                       for name, where in made.items()}
    return modules.value(fleet.outputs["perspectives"]["value"], names)


def test_the_coordinator_gets_its_list(loaded, given):
    rows = yaml.safe_load(listed(loaded, given))["perspectives"]
    assert [row["code"] for row in rows] == given["regions"]
    assert rows[1]["url"] == "https://192.0.1.2:8443"
    assert rows[2]["url"].startswith("https://192.0.2.")
    for row in rows:
        said = (Path(given["documents"]) / f"{row['code']}.row").read_text(encoding="ascii")
        assert f'verify_key: "{row["verify_key"]}"' in said


def test_it_may_be_called_over_ipv6(loaded, given):
    rows = yaml.safe_load(listed(loaded, {**given, "coordinator_calls": "ipv6"}))["perspectives"]
    assert rows[0]["url"] == "https://[2001:db8:1::1]:8443"


def test_a_cloud_without_regions_has_no_rows(loaded, given):
    regions = ["aws:eu-central-1", "aws:sa-east-1"]
    text = listed(loaded, {**given, "regions": regions})
    assert [row["code"] for row in yaml.safe_load(text)["perspectives"]] == regions


def test_the_example_satisfies_the_policy_and_the_coordinator_takes_the_list(
        loaded, given, build_dir, tmp_path):
    mpic = build_dir / "mpic"
    for who in ("--coordinator", "--caller=ra"):
        subprocess.run([mpic, "pki", "issue", tmp_path / "ca", who,
                        "--out", tmp_path / who.strip("-")], check=True)
    secret = tmp_path / "secret"
    secret.write_text("a secret of more than enough octets\n", encoding="ascii")
    secret.chmod(0o600)
    config = tmp_path / "coordinator.yaml"
    config.write_text(listed(loaded, given) + "".join(
        f"{name}: {value}\n" for name, value in (
            ("regions_file", TOP / "conf/regions.yaml"), ("cohort_secret_file", secret),
            ("policy_file", policy_file("cabf-tls")),
            ("tls_ca", tmp_path / "ca/ca.pem"),
            ("tls_certificate", tmp_path / "coordinator/tls.pem"),
            ("tls_key", tmp_path / "coordinator/tls.key"),
            ("callers", '[{name: ra, identity: "urn:mpic:caller:ra"}]'))), encoding="ascii")
    for command in ([build_dir / "mpic-coordinator", "-c", config, "--check"],
                    [mpic, "policy", "--config", config, "--at", "2026-12-15"]):
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr


# ---- what is let in, and what an instance is given ----

@pytest.fixture
def variables():
    return {"name": "parallax", "project": "example", "image_version": "2026.11.22-1",
            "more_outbound_tcp_ports": [6514],
            "coordinator_addresses": ["192.0.2.10/32", "2001:db8::/64"]}


def one(loaded, cloud, kind, name="perspective"):
    return loaded[cloud].blocks["resource"][kind][name][0]


def test_aws_lets_in_the_coordinators_alone(loaded, variables):
    names = loaded["aws"].scope({**variables, "regions": ["eu-central-1"]})
    rules = names["local"]["inbound_rules"].values()
    assert {(r["protocol"], r["from"], r["to"], r["network"]) for r in rules} == {
        ("tcp", 8443, 8443, "192.0.2.10/32"), ("tcp", 8443, 8443, "2001:db8::/64"),
        ("icmp", 3, 4, "0.0.0.0/0"), ("icmpv6", 2, 0, "::/0")}
    out = names["local"]["outbound_rules"].values()
    assert {(r["protocol"], r["port"]) for r in out} == {
        ("udp", 53), ("udp", 123), *(("tcp", port) for port in (53, 80, 443, 8443, 6514))}
    assert {r["network"] for r in out} == {"0.0.0.0/0", "::/0"}
    group = one(loaded, "aws", "aws_default_security_group", "unused")
    assert not {"ingress", "egress"} & set(group)


def test_google_lets_in_the_coordinators_alone(loaded, variables):
    names = loaded["google"].scope({**variables, "regions": ["us-central1"]})
    names |= {"each": {"key": "us-central1"},
              "google_compute_network": {"perspective": {"us-central1": {"id": "n"}}}}
    rules = loaded["google"].blocks["resource"]["google_compute_firewall"]
    inbound = {name: modules.value(rows[0], names) for name, rows in rules.items()
               if rows[0]["direction"] == "INGRESS"}
    assert {name: (rule["source_ranges"], rule["allow"]) for name, rule in inbound.items()} == {
        "api_ipv4": (["192.0.2.10/32"], [{"protocol": "tcp", "ports": ["8443"]}]),
        "api_ipv6": (["2001:db8::/64"], [{"protocol": "tcp", "ports": ["8443"]}]),
        "icmp_ipv4": (["0.0.0.0/0"], [{"protocol": "icmp"}]),
        "icmp_ipv6": (["::/0"], [{"protocol": "58"}])}
    assert names["local"]["outbound_tcp"] == ["53", "80", "443", "8443", "6514"]


def test_azure_lets_in_the_coordinators_alone(loaded, variables):
    names = loaded["azure"].scope({**variables, "regions": ["uksouth"]})
    group = one(loaded, "azure", "azurerm_network_security_group")
    (api,) = group["dynamic"]["security_rule"]
    assert modules.value(api["for_each"], names) == {
        "100": ["192.0.2.10/32"], "110": ["2001:db8::/64"]}
    (rule,) = api["content"]
    assert (rule["access"], rule["destination_port_range"]) == ("Allow", "8443")
    assert [(r["access"], r["direction"]) for r in group["security_rule"]] == [
        ("Deny", "Inbound"), ("Allow", "Outbound"), ("Allow", "Outbound"), ("Deny", "Outbound")]


@pytest.mark.parametrize("cloud, region", (
    ("aws", "eu-central-1"), ("google", "us-central1"), ("azure", "uksouth")))
def test_how_many_there_are_of_anything_is_known_before_anything_is_made(
        cloud, region, loaded, variables):
    names = loaded[cloud].scope({**variables, "regions": [region]})
    counts = {f"{kind}.{name}": len(modules.value(body["for_each"], names))
              for _, kind, name, body in loaded[cloud].things() if "for_each" in body}
    assert len(counts) >= 7
    # The image comes from its first region; rules are one each; the rest is one a region.
    several = {"aws_ebs_snapshot_copy.image": 0, "aws_vpc_security_group_ingress_rule.perspective": 4,
               "aws_vpc_security_group_egress_rule.perspective": 14,
               "google_compute_firewall.out": 2, "google_compute_firewall.nothing_else_out": 2}
    assert counts == {name: several.get(name, 1) for name in counts}


def test_instances_have_no_keys_roles_or_consoles(loaded):
    aws = one(loaded, "aws", "aws_instance")
    assert aws["metadata_options"] == [{
        "http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1,
        "http_protocol_ipv6": "disabled", "instance_metadata_tags": "disabled"}]
    assert not {"key_name", "iam_instance_profile", "get_password_data"} & set(aws)
    assert one(loaded, "aws", "aws_ec2_serial_console_access", "off")["enabled"] is False
    google = one(loaded, "google", "google_compute_instance")
    assert google["metadata"]["serial-port-enable"] == "false"
    assert google["metadata"]["block-project-ssh-keys"] == "true"
    assert "service_account" not in google
    azure = one(loaded, "azure", "azurerm_linux_virtual_machine")
    assert not {"admin_ssh_key", "admin_password", "admin_username", "boot_diagnostics",
                "identity", "custom_data"} & set(azure)


def test_images_start_by_uefi_with_the_clouds_own_drivers(loaded):
    ami = one(loaded, "aws", "aws_ami", "image")
    assert (ami["boot_mode"], ami["ena_support"], ami["imds_support"]) == ("uefi", True, "v2.0")
    image = one(loaded, "google", "google_compute_image", "image")
    assert {"UEFI_COMPATIBLE", "GVNIC"} <= {row["type"] for row in image["guest_os_features"]}
    shared = one(loaded, "azure", "azurerm_shared_image")
    assert (shared["hyper_v_generation"], shared["specialized"]) == ("V2", True)


@pytest.mark.parametrize("cloud, kind", (
    ("aws", "aws_instance"), ("google", "google_compute_instance"),
    ("azure", "azurerm_linux_virtual_machine")))
def test_a_document_is_kept_out_of_sight_and_another_replaces_nothing(cloud, kind, loaded):
    assert loaded[cloud].variables["documents"]["sensitive"] is True
    ignored = str(one(loaded, cloud, kind)["lifecycle"][0]["ignore_changes"])
    assert "user_data" in ignored or "metadata" in ignored


@pytest.mark.parametrize("version, name", (
    ("2026.11.22-1", "2026.1122.1"), ("2027.1.5-12", "2027.105.12")))
def test_azure_has_a_version_of_three_numbers(version, name, loaded, variables):
    names = loaded["azure"].scope({**variables, "image_version": version, "regions": ["uksouth"]})
    assert names["local"]["version"] == name
