"""`farebox demo`: a Farebox in a temporary folder, charged by an independent Diameter client, checked step by step."""
