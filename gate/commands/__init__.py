"""Speak one command each; imported only when it is the one that was typed."""
