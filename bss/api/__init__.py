"""TM Forum APIs: resources are tables; routes, checks, filters and the OpenAPI documents come out of them."""
