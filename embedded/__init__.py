"""Real servers for development and tests, from wheels: PostgreSQL, Valkey, a language model."""
