"""Stand in for a LinkDAO deployment: real HTTP, real state, faults on request and the truth about what was received."""
