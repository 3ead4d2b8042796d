"""`bin/bench abuse`: what an honest tenant notices while another one misbehaves.

Each attack runs against a process of its own. With `--beside` the state before a change, a commit
or a folder with a checkout, is attacked in the same run, in turns with this one and with a database
of its own, and each figure of both is printed with its ratio. The other state's server runs with
the packages that are installed here, and needs neither this benchmark nor newer settings.

An honest caller makes small calls all the time, in a process of its own, first while it is quiet
and then during the attack. Beside attacks with large bodies, another tenant makes large calls, and
one uploads a body over a line of 1 Mbit/s, which takes four minutes for `--upload-mib 30`. The
memory is the most that the process had above its quiet size, and its processor time is that of the
attack as a share of one processor.
"""
