"""Doubles of the real services, one per format: they refuse what those refuse."""
