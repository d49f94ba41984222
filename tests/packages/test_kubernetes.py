"""The manifests of appliance/deploy/kubernetes: that Kubernetes knows what is in them, that nobody
runs with more than is needed, and that they are of one piece with the images and the filters."""

import copy
import ipaddress
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).resolve().parents[2]
FOLDER = TOP / "appliance/deploy/kubernetes"
FILTER = TOP / "appliance/tree/usr/lib/parallax/appliance-private.conf"
PARTS = ("perspective", "coordinator")
ROOTLESS = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "privileged": False, "capabilities": {"drop": ["ALL"]}}


def manifests(part):
    """Those that the kustomization has, which is every file beside it."""
    folder = FOLDER / part
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert sorted(named) == sorted({path.name for path in folder.glob("*.yaml")} -
                                   {"kustomization.yaml"})
    return [document for name in named
            for document in yaml.safe_load_all((folder / name).read_text())]


def of_kind(part, *kinds):
    found, = (one for one in manifests(part) if one["kind"] in kinds)
    return found


def pod(part):
    return of_kind(part, "Deployment", "StatefulSet")["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def faults():
    """What Kubernetes' schemas say of manifests."""
    modules = Path(os.environ.get("MPIC_NPM", TOP / "build/npm-kubernetes"))
    if not shutil.which("node") or not (modules / "node_modules/kubernetes-models").is_dir():
        pytest.skip("npm's registry was not reached, so Kubernetes' schemas are not here")

    def ask(documents):
        done = subprocess.run(["node", Path(__file__).parent / "npm/validate.mjs", modules],
                              input=json.dumps(documents), capture_output=True, text=True,
                              timeout=60, check=True)
        return done.stdout.splitlines()

    return ask


@pytest.mark.parametrize("part", PARTS)
def test_kubernetes_has_every_member(part, faults):
    assert not faults(manifests(part))


def test_a_wrong_manifest_is_found(faults):
    """Otherwise the test above could not fail."""
    wrong = copy.deepcopy(of_kind("perspective", "Deployment"))
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    wrong["spec"]["replicas"] = "two"
    said = "\n".join(faults([wrong]))
    assert "readinesProbe" in said and "/spec/replicas" in said


@pytest.mark.parametrize("part", PARTS)
def test_nobody_has_privileges(part):
    spec = pod(part)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 65532
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for member in ("hostNetwork", "hostPID", "hostIPC"):
        assert not spec.get(member)
    for container in spec["containers"]:
        assert container["securityContext"] == ROOTLESS
        assert "memory" in container["resources"]["limits"]
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    for volume in spec["volumes"]:
        assert set(volume) - {"name"} <= {"emptyDir", "secret", "configMap"}


@pytest.mark.parametrize("part", PARTS)
def test_each_container_has_its_probes(part):
    for container in pod(part)["containers"]:
        wanted = {"startupProbe", "livenessProbe"}
        assert wanted <= set(container)
    assert any("readinessProbe" in container for container in pod(part)["containers"])


@pytest.mark.parametrize("part", PARTS)
def test_selectors_select(part):
    workload = of_kind(part, "Deployment", "StatefulSet")
    labels = workload["spec"]["template"]["metadata"]["labels"]
    assert workload["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert of_kind(part, "Service")["spec"]["selector"].items() <= labels.items()
    for kind, member in (("NetworkPolicy", "podSelector"), ("PodDisruptionBudget", "selector")):
        assert of_kind(part, kind)["spec"][member]["matchLabels"].items() <= labels.items()
    budget = of_kind(part, "PodDisruptionBudget")["spec"]["minAvailable"]
    assert budget < workload["spec"]["replicas"], "no node could ever be drained"


@pytest.mark.parametrize("part", PARTS)
def test_ports_have_names_that_are_there(part):
    names = {port["name"] for container in pod(part)["containers"]
             for port in container.get("ports", ())}
    for port in of_kind(part, "Service")["spec"]["ports"]:
        assert port["targetPort"] in names
    for container in pod(part)["containers"]:
        own = {port["name"] for port in container.get("ports", ())}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            for how in ("httpGet", "tcpSocket"):
                assert container.get(probe, {}).get(how, {"port": None})["port"] in {None, *own}


def test_the_probes_port_is_the_images():
    header = (TOP / "appliance/container/container.h").read_text()
    port = int(re.search(r"CONTAINER_PROBES\s+(\d+)", header)[1])
    ports = {port["name"]: port["containerPort"] for container in pod("perspective")["containers"]
             for port in container.get("ports", ())}
    assert ports == {"api": 8443, "probes": port}


def test_egress_goes_to_the_public_internet_alone():
    """The addresses that Unbound's configuration refuses are refused here, and no others."""
    refused = [ipaddress.ip_network(text) for text in
               re.findall(r"do-not-query-address: (\S+)", FILTER.read_text())]
    rule, = of_kind("perspective", "NetworkPolicy")["spec"]["egress"]
    assert {(port["protocol"], port["port"]) for port in rule["ports"]} == {
        ("UDP", 53), ("TCP", 53), ("TCP", 80), ("TCP", 443)}
    for peer in rule["to"]:
        block = peer["ipBlock"]
        allowed = ipaddress.ip_network(block["cidr"])
        left_out = {ipaddress.ip_network(text) for text in block["except"]}
        assert left_out == {one for one in refused if one.version == allowed.version and
                            one.subnet_of(allowed)}
    public6 = ipaddress.ip_network("2000::/3")
    others = [one for one in refused if one.version == 6 and not one.subnet_of(public6)]
    whole = ipaddress.collapse_addresses([public6, *others])
    assert list(whole) == [ipaddress.ip_network("::/0")]


def test_ingress_is_the_api_alone():
    for part in PARTS:
        spec = of_kind(part, "NetworkPolicy")["spec"]
        assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
        assert [port["port"] for rule in spec["ingress"] for port in rule["ports"]] == ["api"]
