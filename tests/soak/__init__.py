"""The soak: a whole post room under load, a nemesis with a seeded schedule, and the checker of ``tests/crash/checker``.

``python -m tests.soak --seed N --minutes 5`` runs it. Senders, agents and followers are processes of their own, and write down what they
know into ``*.journal`` files before and after each step; the checker is one, too, and reads these files.
"""
