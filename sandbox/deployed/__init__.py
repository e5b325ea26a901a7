"""Answer as the mounted LinkDAO deployment does, with the defects its contract documents."""
