"""Every address of this machine opens the dashboard, and a foreign name says what to do."""

import socket
from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import FOREIGN_NAME, Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ADDRESSES = [
    address.address
    for addresses in psutil.net_if_addrs().values()
    for address in addresses
    if address.family == socket.AF_INET
]
NAMED = tuple(f"--server.allowedHosts={name}" for name in (FOREIGN_NAME, "localhost"))


@pytest.fixture(params=[(), NAMED], ids=["as it is", "with a name"])
def served(request, tmp_path) -> Iterator[tuple[Dashboard, bool]]:
    """The dashboard for other machines, and whether it was started with a name."""
    server = Dashboard(tmp_path / "runs", tmp_path / "server.log", "app.py", "--server.address=0.0.0.0", *request.param)
    server.start()
    yield server, bool(request.param)
    server.kill()
    server.expect_no_failure()


@pytest.mark.slow  # tests/ui/test_hosts.py checks the names
def test_the_addresses_of_this_machine_open_it(page: Page, served):
    server, named = served
    start = page.get_by_role("heading", level=1)
    for host in [FOREIGN_NAME, "localhost"] if named else [*ADDRESSES, "localhost", socket.gethostname()]:
        page.goto(f"http://{host}:{server.port}/")
        expect(start).to_be_visible()
    if not named:
        page.goto(f"http://{FOREIGN_NAME}:{server.port}/Runs")
        expect(page.get_by_text("This address is not allowed.")).to_be_visible()
        expect(page.get_by_text(f"streamlit run app.py --server.allowedHosts={FOREIGN_NAME}")).to_be_visible()
        expect(start).to_have_count(0)
        expect(page.get_by_role("combobox")).to_have_count(0)  # no run is named
