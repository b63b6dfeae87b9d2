"""Mode-coupling theory of the glass transition, for simple liquids, mixtures and schematic models.

`liquid` has the equations and the memory functions, `glass` the limits for long times and the critical points,
`dynamics` the correlators over any number of decades, `scattering` mixtures as simulations have them.
"""
