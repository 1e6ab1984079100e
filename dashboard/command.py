"""The command of an installed dashboard: ``vae-dashboard``, with any option of ``streamlit run``."""

import sys
from pathlib import Path


def main() -> None:
    """Starts the app: ``vae-dashboard --server.port 8600`` is ``streamlit run dashboard/app.py ...``."""
    from streamlit.web import cli

    cli.main(["run", str(Path(__file__).with_name("app.py")), *sys.argv[1:]])
