"""What the app may use here: CPUs, memory, platform, versions; each with its source."""
