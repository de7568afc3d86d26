"""``make leaks``: steady load with everything coming and going, and whether anything of it stays behind (reliability.md, T23)."""
