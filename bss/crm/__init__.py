"""People, organisations, customers, billing accounts, interactions, trouble tickets."""
