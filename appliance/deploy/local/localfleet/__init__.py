"""The parts of a fleet on one machine."""
