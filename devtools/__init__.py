"""What the commands in bin/ run: up, check, test, bench, and the installation of what they need."""
