"""What each strategy costs: seconds and memory of an epoch, each measured in a fresh process."""
