"""The formats of `--show-settings`."""
