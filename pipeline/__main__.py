"""`python -m backtrack`: the command, where its script is not on the path."""

from backtrack.cli.main import main

if __name__ == "__main__":
    main()
