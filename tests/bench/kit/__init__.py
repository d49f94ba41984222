"""What `bench` is made of: measurements, one module a part of the system, and their report."""
