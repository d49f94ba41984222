"""HCL, read and evaluated as far as tests of appliance/deploy need it."""
