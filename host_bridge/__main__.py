"""`python -m host_bridge`: the command line, nothing else."""

from host_bridge.cli import app

if __name__ == "__main__":
    app()
