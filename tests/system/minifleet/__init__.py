"""What `fleet` is made of: keys, configurations, and a handle on a running one."""
