"""What is wrong now, found in the stored state of every stage and handed to alerts."""
