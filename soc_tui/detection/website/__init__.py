"""Website vulnerability verification: what owned websites show that they should not, and whether attacks got through."""
