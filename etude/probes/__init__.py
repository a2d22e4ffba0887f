"""Probes: small networks that are fitted to a representation and say by their score what can be read from it.

Several of them (probe seeds, a control with shuffled labels) are fitted side by side, as *members* of one network. No
member sees another: alone it would have become the same.
"""
