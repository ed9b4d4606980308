"""How the shipped MNIST models were made: `python -m engine.training --help`."""
