"""System vulnerability verification: installed packages against advisories, and how the machine is set up."""
