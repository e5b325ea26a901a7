"""Hold sellers' sessions over Socket.IO beside the HTTP side, and tell them what happens to them.

What happens goes one way: a handler tells the ``Publisher``, which queues, delays, loses or doubles it on its way to
the ``Sessions`` of a wallet; ``Journal`` and ``Headcount`` keep the truth. ``Realtime`` is the door sellers come by.
"""
