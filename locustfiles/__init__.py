"""Hold the load: one file and one user class for each seller workflow."""
