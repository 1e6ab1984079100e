"""Streamlit's command line for a server whose processes of the core are copies (``tests/forked.py``).

    python forking_server.py run SCRIPT ...      as ``streamlit run SCRIPT ...``

Each training and each task would load PyTorch for a second or two; nothing else differs. A test of a cold
link trains on a server as a user starts it.
"""

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]


def main() -> None:
    """Replaces how processes begin, then goes on as Streamlit."""
    # The entry script puts the repository on the path by itself: what comes here is taken away again.
    sys.path[0] = str(ROOT)
    import dashboard.runs.worker_process
    from tests.forked import Loaded, popen_of

    sys.path.pop(0)
    setattr(dashboard.runs.worker_process, "Popen", popen_of(Loaded()))  # noqa: B010  # as a test replaces it
    from streamlit.web.cli import main as streamlit

    sys.argv[0] = "streamlit"
    streamlit()


if __name__ == "__main__":
    main()
