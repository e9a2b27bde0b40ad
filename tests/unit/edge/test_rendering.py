"""The configuration of the edge and of its nodes, as render.sh makes it of values."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
EDGE = REPOSITORY / "deploy" / "edge" / "render.sh"
NODE = REPOSITORY / "asterisk-conf" / "render.sh"
NODES = "node1=10.0.0.1:5060 node2=10.0.0.2:5060 node3=10.0.0.3:5070"


def render(script: Path, *arguments: str | Path, **values: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **values}
    return subprocess.run(
        [script, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def render_node(folder: Path, **values: str) -> subprocess.CompletedProcess[str]:
    names = ("CONF", "MODULE", "VAR", "DATA", "SPOOL", "RUN", "LOG")
    folders = {f"{name}_DIR": str(folder) for name in names}
    secrets = {"AMI_SECRET": "a", "AMI_RECORDING_SECRET": "b", "ARI_SECRET": "c"}
    return render(NODE, NODE.parent / "pbx", folder, **folders, **secrets, **values)


def test_each_node_comes_first_in_its_set_and_the_next_ones_take_over(tmp_path: Path) -> None:
    assert render(EDGE, tmp_path, EDGE_NODES=NODES).returncode == 0
    sets: dict[str, list[tuple[int, str]]] = {}
    for line in (tmp_path / "dispatcher.list").read_text().splitlines():
        number, uri, _flags, priority = line.split()
        sets.setdefault(number, []).append((int(priority), uri))
    order = {
        number: [uri.split(".")[3][0] for _, uri in sorted(found, reverse=True)]
        for number, found in sets.items()
    }

    assert order == {
        "1": ["1", "2", "3"],
        "2": ["2", "3", "1"],
        "3": ["3", "1", "2"],
        "1001": ["1"],
        "1002": ["2"],
        "1003": ["3"],
    }
    written = (tmp_path / "kamailio.cfg").read_text()
    assert "$sht(nodes=>node3) = 3;" in written
    assert "@EDGE" not in written


@pytest.mark.parametrize(
    "wrong",
    [
        {"EDGE_NODES": ""},
        {"EDGE_NODES": 'node1=10.0.0.1:5060";'},
        {"EDGE_NODES": "node1=10.0.0.1"},
        {"EDGE_NODES": "node1=[fd00::1]"},
        {"EDGE_NODES": "node1=10.0.0.1:5060x"},
        {"EDGE_NODES": "10.0.0.1:5060"},
        {"EDGE_ADDRESS": "beef"},
        {"EDGE_REALM": 'a"b'},
        {"EDGE_ADDRESS": "edge.example"},
        {"EDGE_DATABASE_URL": 'postgres://a"b'},
        {"EDGE_PORT": "5060;"},
        {"EDGE_NUMBER": "1;"},
        {"EDGE_INNER_ADDRESS": 'a"b'},
        {"EDGE_INSTANCES": '10.0.0.1 a"b'},
        {"EDGE_PING_S": "45)"},
        {"EDGE_TLS_CERTIFICATE": 'a"b', "EDGE_TLS_KEY": "key"},
        {"EDGE_TLS_KEY": "", "EDGE_TLS_CERTIFICATE": "edge.crt"},
    ],
)
def test_a_value_that_could_change_the_configuration_is_refused(
    wrong: dict[str, str], tmp_path: Path
) -> None:
    done = render(EDGE, tmp_path, **{"EDGE_NODES": NODES, **wrong})
    assert done.returncode != 0
    assert next(iter(wrong)) in done.stderr
    assert not (tmp_path / "kamailio.cfg").exists()


def test_an_edge_with_two_addresses_talks_to_nodes_by_the_inner_one_only(tmp_path: Path) -> None:
    values = {"EDGE_ADDRESS": "10.0.1.5", "EDGE_ADVERTISED_ADDRESS": "192.0.2.10"}
    done = render(EDGE, tmp_path, EDGE_NODES=NODES, EDGE_INNER_ADDRESS="10.0.0.5", **values)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "kamailio.cfg").read_text()
    listens = [x for x in written.splitlines() if x.startswith("listen=")]
    assert listens == [
        "listen=udp:10.0.1.5:5060 advertise 192.0.2.10:5060",
        "listen=tcp:10.0.1.5:5060 advertise 192.0.2.10:5060",
        "listen=udp:10.0.0.5:5060",
        "listen=tcp:10.0.0.5:5060",  # the WebSocket of the service
    ]
    assert 'if ($Ri != "10.0.0.5") $var(of_node) = -1;' in written
    nodes = (tmp_path / "dispatcher.list").read_text().splitlines()
    assert all(x.endswith(" socket=udp:10.0.0.5:5060") for x in nodes)


@pytest.mark.parametrize(
    ("inner", "condition"),
    [
        ("", "$sht(instances=>$si) == 1"),
        ("10.0.0.5", '$Ri == "10.0.0.5" || $sht(instances=>$si) == 1'),
    ],
)
def test_guesses_of_browsers_count_by_connection_where_an_instance_is_in_front(
    inner: str, condition: str, tmp_path: Path
) -> None:
    values = {"EDGE_INSTANCES": "10.0.0.21 fd00::22", "EDGE_INNER_ADDRESS": inner}
    done = render(EDGE, tmp_path, EDGE_NODES=NODES, **values)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "kamailio.cfg").read_text()
    assert f'if ($proto =~ "^ws" && ({condition})) ' in written
    for address in ("10.0.0.21", "fd00::22"):
        assert f"    $sht(instances=>{address}) = 1;\n" in written


def test_a_node_behind_an_edge_tells_phones_the_outer_address_of_audio_only(tmp_path: Path) -> None:
    outer = {"EXTERNAL_ADDRESS": "192.0.2.10", "LOCAL_NET": "10.0.0.11/32"}
    assert render_node(tmp_path, **outer).returncode == 0
    alone = (tmp_path / "pjsip.conf").read_text()
    done = render_node(tmp_path, EXTERNAL_SIGNALING_ADDRESS="10.0.0.11", **outer)
    assert done.returncode == 0, done.stderr
    behind = (tmp_path / "pjsip.conf").read_text()
    for text, address in ((alone, "192.0.2.10"), (behind, "10.0.0.11")):
        assert f"external_signaling_address = {address}\n" in text
        assert "external_media_address = 192.0.2.10\n" in text


def test_a_node_refuses_a_call_before_another_node_gets_it(tmp_path: Path) -> None:
    """Also if its clock is behind by 0.9 s: the edge gives it to the next one after a silence."""
    assert render(EDGE, tmp_path, EDGE_NODES=NODES).returncode == 0
    silences = re.findall(r"t_set_fr\(0, (\d+)\)", (tmp_path / "kamailio.cfg").read_text())
    dialplan = (NODE.parent / "pbx" / "extensions-bridge.conf").read_text()
    [limit] = re.findall(r"EPOCH\} - \$\{EXTEN:1:10\}\] > (\d)", dialplan)
    oldest_ms = (int(limit) + 1) * 1000  # of whole seconds, a difference of 1 may be an age of 2
    assert len(silences) == 2
    assert all(int(x) >= oldest_ms + 900 for x in silences)


def test_a_node_has_a_name_of_its_own_and_knows_its_edge(tmp_path: Path) -> None:
    entities = []
    for name in ("node1", "node2"):
        folder = tmp_path / name
        done = render_node(folder, NODE_NAME=name, EDGE_ADDRESS="10.0.0.5", EDGE_PORT="5070")
        assert done.returncode == 0, done.stderr
        options = (folder / "asterisk.conf").read_text()
        assert f"systemname = {name}\n" in options
        entities.append(options.partition("entityid = ")[2].split()[0])
    assert len(set(entities)) == 2
    assert all(len(x.split(":")) == 6 for x in entities)
    phones = (tmp_path / "node1" / "pjsip.conf").read_text()
    assert "acl = uapi-edge\n" in phones
    # Asterisk compares an address with the entries of its own IP family only.
    addresses = "deny = 0.0.0.0/0\ndeny = ::/0\npermit = 10.0.0.5/32\n"
    assert addresses in (tmp_path / "node1" / "acl.conf").read_text()
    assert "contact = sip:edge@10.0.0.5:5070\n" in phones


def test_a_node_lets_each_of_several_edges_in_and_asks_each_whether_it_lives(
    tmp_path: Path,
) -> None:
    done = render_node(tmp_path, EDGE_ADDRESS="10.0.0.5,fd00::6", EDGE_PORT="5070")
    assert done.returncode == 0, done.stderr
    phones = (tmp_path / "pjsip.conf").read_text()
    contacts = "contact = sip:edge@10.0.0.5:5070\ncontact = sip:edge@[fd00::6]:5070\n"
    assert contacts in phones
    permits = "deny = ::/0\npermit = 10.0.0.5/32\npermit = fd00::6/128\n"
    assert permits in (tmp_path / "acl.conf").read_text()


@pytest.mark.parametrize(("number", "mark"), [("", "#!undef SEVERAL"), ("3", "#!define SEVERAL")])
def test_an_edge_with_a_number_is_one_of_several(number: str, mark: str, tmp_path: Path) -> None:
    assert render(EDGE, tmp_path, EDGE_NODES=NODES, EDGE_NUMBER=number).returncode == 0
    written = (tmp_path / "kamailio.cfg").read_text()
    assert mark in written
    assert f"server_id={number or 0}\n" in written


def test_without_an_edge_a_pbx_has_neither(tmp_path: Path) -> None:
    assert render_node(tmp_path).returncode == 0
    assert "systemname" not in (tmp_path / "asterisk.conf").read_text()
    assert "[edge]" not in (tmp_path / "pjsip.conf").read_text()


@pytest.mark.parametrize("wrong", [{"NODE_NAME": "a;b"}, {"EDGE_ADDRESS": "10.0.0.5\npermit=::/0"}])
def test_a_node_refuses_a_value_that_could_change_its_configuration(
    wrong: dict[str, str], tmp_path: Path
) -> None:
    done = render_node(tmp_path, **wrong)
    assert done.returncode == 1
    assert next(iter(wrong)) in done.stderr
