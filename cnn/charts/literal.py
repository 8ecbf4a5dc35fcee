"""Text that people typed, such that Plotly shows it as it is."""

import html


def literal(text: str) -> str:
    """A name for a legend, a label or a title: Plotly reads tags and entities, and of quotes knows no entity."""
    return html.escape(text, quote=False)
