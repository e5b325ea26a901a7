"""Read what people write: targets, profiles, quantities with units; refuse what is not understood."""
