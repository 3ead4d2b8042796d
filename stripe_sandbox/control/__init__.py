"""The control API under /sandbox: what Stripe has no API for, because people and banks do it."""
