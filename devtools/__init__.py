"""The commands of bin/ (up, check, test, bench) and the installation of their packages."""
