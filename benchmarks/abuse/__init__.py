"""`bin/bench abuse`: what an honest tenant notices while another one misbehaves.

Each attack runs against a process of its own: of this checkout and, with --beside, of another one,
for example of the state before a change. An honest caller makes small calls all the time, in a
process of its own, first while it is quiet and then during the attack.
"""
