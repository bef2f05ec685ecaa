"""Settings, errors, files, locks and secrets: what every other package stands on."""
