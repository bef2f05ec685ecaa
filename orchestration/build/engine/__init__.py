"""Where the tables are built: on DuckDB, or on Apache Spark. Nothing before or after a build knows which."""
