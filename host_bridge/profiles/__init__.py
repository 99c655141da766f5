"""Foreign profile formats turned into our recipes. Nothing here talks to a machine."""
