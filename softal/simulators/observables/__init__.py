"""What is computed from positions: structure factors, diffraction, g(r), bonds, order in the plane, tilings."""
