"""Website vulnerability verification: what owned sites show without need, and whether attacks got in."""
