"""A simulated country: servers over years, as a daily scan would have seen them (numpy).

    paths      which build a place had from when to when, backwards from the last day
    occupants  which server stood at a place: address, certificate, region
    looks      the rows of a month

Days count from 1970-01-01. The same seed gives the same country.
"""
