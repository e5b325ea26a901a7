"""Define the file format between load and analysis: samples, run.json, failing exchanges, time series."""
