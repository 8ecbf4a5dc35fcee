"""By which names the dashboard may be opened.

It has no login, so a page on the internet must not reach it through a visitor's browser by giving its own name this
machine's address (DNS rebinding). An IP address is never such a name, and neither is the machine's own. Streamlit's
`server.allowedHosts` refuses the others without a word, and the page stays empty for ever: here they get a sentence.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

import streamlit as st


def check() -> None:
    """End the page where it was opened by a name that this machine does not go by."""
    if st.get_option("server.allowedHosts"):  # then Streamlit has checked the name
        return
    name = name_in(st.context.headers.get("Host", ""))
    if name and not is_own(name, socket.gethostname()):
        st.error("This address is not allowed.", icon=":material/lock:")
        st.markdown(
            "The dashboard has no login, so it opens only by an IP address or by the name of its machine. To open it "
            "by the name that you used, start it with that name:"
        )
        st.code(f"streamlit run app.py --server.allowedHosts={name}", language=None)
        st.stop()


def name_in(host: str) -> str:
    """The name in a Host header, without its port; what is none is returned as it is."""
    try:
        return (urlsplit(f"//{host}").hostname or host).rstrip(".")
    except ValueError:
        return host


def is_own(name: str, machine: str) -> bool:
    """Whether nobody else can give this name an address: an IP address, localhost, or the machine's name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        machine = machine.lower()
        return name in ("localhost", machine, f"{machine.partition('.')[0]}.local") or name.endswith(".localhost")
    return True
