"""What the pages show, as frames: SQL on the marts of one release, and the home's own records."""
