"""Use cases across domains, durable: each is a workflow of steps that goes on where it was when its process dies."""
