"""A Lennard-Jones liquid at constant volume, in reduced units, for HOOMD-blue: 216 particles."""

import itertools

import hoomd
import hoomd.md


def build(simulation, epsilon, kT=1.0, density=0.7, *, fidelity):
    """Make state and operations of the simulation, equilibrate it, and return what is logged as softal runs it on."""
    edge = 6
    length = edge / density ** (1 / 3)
    snapshot = hoomd.Snapshot()
    snapshot.configuration.box = [length, length, length, 0, 0, 0]
    snapshot.particles.N = edge**3
    snapshot.particles.types = ["A"]
    lattice = [(i + 0.5) * length / edge - length / 2 for i in range(edge)]
    snapshot.particles.position[:] = list(itertools.product(lattice, repeat=3))
    simulation.create_state_from_snapshot(snapshot)

    everything = hoomd.filter.All()
    lj = hoomd.md.pair.LJ(nlist=hoomd.md.nlist.Cell(buffer=0.4), default_r_cut=2.5)
    lj.params["A", "A"] = {"epsilon": epsilon, "sigma": 1.0}
    bath = hoomd.md.methods.thermostats.Bussi(kT=kT, tau=0.5)
    nvt = hoomd.md.methods.ConstantVolume(filter=everything, thermostat=bath)
    simulation.operations.integrator = hoomd.md.Integrator(dt=0.005, methods=[nvt], forces=[lj])
    simulation.state.thermalize_particle_momenta(filter=everything, kT=kT)
    simulation.run(round(2000 * fidelity))

    thermodynamics = hoomd.md.compute.ThermodynamicQuantities(filter=everything)
    simulation.operations.computes.append(thermodynamics)
    logger = hoomd.logging.Logger(categories=["scalar"])
    logger.add(thermodynamics, quantities=["kinetic_temperature", "potential_energy", "pressure"])
    return logger
