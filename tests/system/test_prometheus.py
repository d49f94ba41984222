"""conf/prometheus and conf/grafana: alerts that fire when they should, in a Prometheus that scrapes
a coordinator and perspectives, and no metric named that is not there."""

import json
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from coordinators import policy_file
from daemons import until
from mininet import processes

HERE = Path(__file__).resolve().parent
CONF = HERE.parents[1] / "conf"
RULES = CONF / "prometheus" / "mpic.rules.yaml"
EXAMPLE = CONF / "prometheus" / "prometheus.yml"
DASHBOARD = CONF / "grafana" / "parallax.json"
RULE_TESTS = HERE / "mpic.rules.test.yaml"
NAME = re.compile(r"\bmpic_[a-z_]+")


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alerts():
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels():
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]


def dashboard_expressions():
    """What its panels ask, as Grafana asks it: with its variables replaced."""
    for panel in panels():
        for target in panel.get("targets", ()):
            text = target["expr"].replace("$__rate_interval", "1m")
            yield re.sub(r"\$(coordinator|perspective)", ".*", text)


# -- the files


def test_promtool_finds_no_fault(tmp_path):
    promtool("check", "rules", RULES)
    # the certificates are the fleet's, and not on this machine
    text = re.sub(r"\n +(ca|cert|key)_file: .*", "", EXAMPLE.read_text(encoding="utf-8"))
    (tmp_path / "prometheus.yml").write_text(text, encoding="utf-8")
    (tmp_path / RULES.name).write_bytes(RULES.read_bytes())
    promtool("check", "config", tmp_path / "prometheus.yml")
    promtool("check", "config", "--syntax-only", EXAMPLE)


def test_every_alert_fires_when_it_should():
    promtool("test", "rules", RULE_TESTS)
    firing, silent = set(), set()
    for test in yaml.safe_load(RULE_TESTS.read_text(encoding="utf-8"))["tests"]:
        for case in test["alert_rule_test"]:
            (firing if case["exp_alerts"] else silent).add(case["alertname"])
    named = {alert["alert"] for alert in alerts()}
    assert firing == named and silent == named


def test_every_alert_says_what_to_do():
    for alert in alerts():
        assert alert["labels"]["severity"] in ("page", "ticket"), alert["alert"]
        assert {"summary", "description", "runbook"} == set(alert["annotations"]), alert["alert"]
        assert all(alert["annotations"].values()), alert["alert"]


def test_the_dashboard_is_laid_out():
    taken = set()
    assert len({panel["id"] for panel in panels()}) == len(panels())
    for panel in panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["targets"], panel["title"]


# -- a Prometheus


# What promtool says while a Prometheus starts: it listens before it is ready.
STARTING = ("connection refused", "Service Unavailable")


class Prometheus:
    """One in the world's namespace, on loopback, with our rules."""

    def __init__(self, folder, jobs, identity, authority):
        self.folder = folder
        self.servers = processes.Servers()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        tls = {"ca_file": authority, "cert_file": identity.certificate, "key_file": identity.key}
        config = {
            "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
            "rule_files": [str(RULES)],
            "scrape_configs": [
                {"job_name": "prometheus", "static_configs": [{"targets": [self.address]}]},
                *({"job_name": job, "scheme": scheme, "tls_config": tls,
                   "static_configs": [{"targets": targets}]} for job, scheme, targets in jobs)]}
        path = folder / "prometheus.yml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        promtool("check", "config", path)
        self.servers.start("prometheus", [
            "prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.address}", "--log.level=warn"],
            str(folder / "prometheus.log"), str(folder))

    def stop(self):
        self.servers.stop()

    def query(self, expression):
        """[(labels, value)] of an instant query, which must be one."""
        done = subprocess.run(["promtool", "query", "instant", "-o", "json",
                               f"http://{self.address}", expression],
                              capture_output=True, text=True, check=False, timeout=30)
        if done.returncode != 0 and any(early in done.stderr for early in STARTING):
            return []
        assert done.returncode == 0, expression + "\n" + done.stderr
        return [(one["metric"], float(one["value"][1])) for one in json.loads(done.stdout)]


def place(url):
    return url.partition("://")[2].rstrip("/")


@pytest.fixture(scope="module")
def scraped(fleet, coordinators, tmp_path_factory):
    """(Prometheus, caller): a coordinator that lacks perspectives, and two perspectives."""
    folder = tmp_path_factory.mktemp("prometheus")
    audit = folder / "audit"
    audit.mkdir()
    daemon, caller = coordinators.start(
        plain=False, policy_file=policy_file("cabf-tls"), audit_dir=str(audit),
        perspectives=coordinators.perspectives(0, 2, 4), default_perspective_count=3)
    enough, enough_caller = coordinators.start(plain=False, audit_dir=None)
    rows = [fleet.parts["perspectives"][i] for i in (0, 2)]
    jobs = [("mpic-coordinator", "https", [f"{one.address[0]}:{one.address[1]}"
                                           for one in (daemon, enough)]),
            ("mpic-httpcheck", "https", [place(row["url"]) for row in rows])]
    prometheus = Prometheus(folder, jobs, coordinators.caller_identity, coordinators.certificate)
    for name in ("permit.com", "deny.com", "split.com", "permit.com"):
        enough_caller.check(name)
    try:
        until(lambda: len(prometheus.query('up{job=~"mpic-.*"} == 1')) == 4, 30)
        yield prometheus, enough_caller, f"{daemon.address[0]}:{daemon.address[1]}"
    finally:
        prometheus.stop()
        coordinators.stop(daemon)
        coordinators.stop(enough)


def test_every_metric_named_is_scraped(scraped):
    prometheus = scraped[0]
    named = set()
    for expression in [alert["expr"] for alert in alerts()] + list(dashboard_expressions()):
        named |= set(NAME.findall(expression))
    assert len(named) > 20
    found = {labels["__name__"] for labels, _ in prometheus.query('{__name__=~"mpic_.*"}')}
    # What mpic-enrol has its perspective say: no appliance is scraped here (test_mpic_enrol.py).
    named -= {"mpic_enrolment_failed", "mpic_crl_refresh_failed"}
    assert named <= found, named - found


def test_every_label_asked_for_is_there(scraped):
    """A value in a selector that no series has would make an alert that never fires."""
    prometheus = scraped[0]
    values = {}
    for labels, _ in prometheus.query('{__name__=~"mpic_.*|up"}'):
        for key, value in labels.items():
            values.setdefault(key, set()).add(value)
    for expression in [alert["expr"] for alert in alerts()] + list(dashboard_expressions()):
        for key, pattern in re.findall(r'(\w+)=~?"([^"]+)"', expression):
            for value in pattern.split("|"):
                assert value == ".*" or value in values[key], (key, value)
        for key in re.findall(r"\bby \(([^)]*)\)", expression):
            assert set(key.replace(" ", "").split(",")) <= set(values), key


def test_every_panel_can_be_asked(scraped):
    prometheus, caller, _ = scraped
    time.sleep(1.5)
    caller.check("permit.com")
    time.sleep(1.5)
    answered = {expression: prometheus.query(expression)
                for expression in dashboard_expressions()}
    assert sum(bool(answer) for answer in answered.values()) > len(answered) // 2


def test_the_rules_are_evaluated(scraped):
    prometheus = scraped[0]
    until(lambda: prometheus.query("prometheus_rule_group_iterations_total > 2"), 30)
    assert len(prometheus.query("prometheus_rule_group_rules")) == 5
    assert not prometheus.query("prometheus_rule_evaluation_failures_total > 0")


def test_a_fleet_that_is_too_small_raises_its_alert(scraped):
    prometheus, _, lacking = scraped
    until(lambda: prometheus.query('ALERTS{alertname="MpicPolicyNotSatisfied"}'), 30)
    raised = prometheus.query('ALERTS{alertname="MpicPolicyNotSatisfied"}')
    assert [labels["instance"] for labels, _ in raised] == [lacking]
    assert not prometheus.query('ALERTS{alertname=~"MpicDown|MpicAuditUnwritable|MpicSaturated"}')


# -- what is counted


def counted(metrics, name, **labels):
    return sum(value for text, value in metrics[name].items()
               if all(f'{key}="{wanted}"' in text for key, wanted in labels.items()))


def test_disagreement_is_counted_where_it_is(started, fleet):
    _, caller = started()
    for name in ("permit.com", "deny.com"):
        caller.check(name)
    assert counted(caller.metrics(), "mpic_perspective_disagreements_total") == 0
    answer = caller.check("split.com")
    odd = [one["perspective_code"] for one in answer["perspectives"]
           if not one["check_response"]["check_passed"]]
    assert len(odd) == 1
    metrics = caller.metrics()
    assert counted(metrics, "mpic_perspective_disagreements_total") == 1
    assert counted(metrics, "mpic_perspective_disagreements_total", perspective=odd[0],
                   check="caa") == 1
    for row in fleet.parts["perspectives"]:
        assert counted(metrics, "mpic_perspective_seconds_count", perspective=row["code"]) == 3


def test_the_standing_to_the_policy_is_told(started, coordinators):
    _, caller = started()
    metrics = caller.metrics()
    (labels,) = metrics["mpic_policy_info"]
    assert 'name="open-mpic"' in labels and 'version="3.5.0"' in labels
    assert metrics["mpic_policy_satisfied"] == metrics["mpic_policy_next_satisfied"] == {"": 1}
    assert metrics["mpic_policy_next_change_seconds"] == {"": 0}
    assert metrics["mpic_http_in_flight_max"][""] > 1024
    _, caller = started(policy_file=policy_file("cabf-tls"), default_perspective_count=3,
                        perspectives=coordinators.perspectives(0, 2, 4))
    metrics = caller.metrics()
    assert metrics["mpic_policy_satisfied"] == {"": 0}


def test_the_version_is_told(caller):
    (labels,) = caller.metrics()["mpic_build_info"]
    assert re.fullmatch(r'version="[^"]+"', labels) and "unknown" not in labels
