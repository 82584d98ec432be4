"""What moves rows forward: the reconciler, its handlers, and the workers that evaluate."""
