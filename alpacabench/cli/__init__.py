"""The command line: `python run.py` under Hydra, and `alpacabench COMMAND` for what is done with finished runs."""
