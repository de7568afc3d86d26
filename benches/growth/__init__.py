"""``make growth``: the same questions to a post room with ever more waiting messages, side by side."""
