"""The control API under /sandbox, for actions of people and banks that Stripe has no API for."""
