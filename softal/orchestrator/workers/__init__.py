"""Workers: tasks on Ray, and the sandboxes in which simulations run."""
