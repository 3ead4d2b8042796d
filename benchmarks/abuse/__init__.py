"""`bin/bench abuse`: what an honest tenant notices while another one misbehaves.

Each attack runs against a process of its own: of this checkout and, with --beside, of another one,
for example of the state before a change. An honest caller makes small calls all the time, in a
process of its own, first while it is quiet and then during the attack. Beside attacks with large
bodies, another tenant makes large calls, and one uploads a body over a line of 1 Mbit/s, which
takes four minutes for `--upload-mib 30`. The memory is the most that the process had above its
quiet size.
"""
