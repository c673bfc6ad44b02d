"""The load-test harness: generators, books of their own, floors, reports. Shipped: `farebox bench`."""
