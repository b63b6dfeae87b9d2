"""What several strategies share: results, where simulations fail, regions, spaces of few points."""
