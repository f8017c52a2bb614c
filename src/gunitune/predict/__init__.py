"""What queueing theory expects of settings that were not tried."""
