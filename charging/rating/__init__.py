"""Units to money: tariff lookup, price, rounding."""
