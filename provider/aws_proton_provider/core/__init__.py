"""What a resource is made of: declarations, values, state, errors. Pure: neither AWS nor Pulumi."""
