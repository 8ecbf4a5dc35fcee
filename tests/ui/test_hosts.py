"""By which names the dashboard may be opened."""

import pytest

from cnn.ui import hosts


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost:8501", "localhost"),
        ("192.168.1.5", "192.168.1.5"),
        ("[::1]:8501", "::1"),
        ("Clothes.Example.ORG.:80", "clothes.example.org"),
        ("[", "["),
        ("", ""),
    ],
)
def test_the_name_in_a_host_header(host, name):
    assert hosts.name_in(host) == name


@pytest.mark.parametrize(
    "name", ["localhost", "app.localhost", "127.0.0.1", "10.1.2.3", "::1", "fd00::2", "desk", "desk.local"]
)
def test_names_that_nobody_else_can_give_an_address(name):
    assert hosts.is_own(name, "Desk")
    assert hosts.is_own("desk.example.org", "desk.example.org")


@pytest.mark.parametrize(
    "name", ["evil.example", "desk.evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "1.2.3.4.5", "["]
)
def test_names_that_somebody_else_can_give_an_address(name):
    assert not hosts.is_own(name, "desk")
