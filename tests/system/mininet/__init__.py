"""The mini-Internet that tests, quickstart and bench run in: see zones.py for what is in it."""
