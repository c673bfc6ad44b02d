"""Scenarios of what is said beside the size of a grant (docs/charging.md §6), and of prices
that change with the time: they are played as those of table.py."""

from typing import Final

from tests.scenarios.table_of_bands import BANDS
from tests.scenarios.table_of_bills import BILLS

TERMS: Final = (
    {
        "more is asked before the end": """
        open      A money 100
        initial   A s1 rg 30 rsu 50            -> granted 50 threshold 10 holding 600
        repeat    s1                           -> same
        update    A s1 rg 30 usu 40 rsu 44     -> granted 44 threshold 8 holding 600
        repeat    s1                           -> same
        repeat    s1 back 2                    -> same
        account   A                            -> money 16/44
        update    A s1 rg 30 usu 44 rsu 50     -> granted 16 final holding 600
        repeat    s1                           -> same
        terminate A s1 rg 30 usu 16            -> none
        account   A                            -> money 0/0
    """,
        "no threshold where the grant is too small for one": """
        open      A money 18
        initial   A s1 rg 30 rsu 4             -> granted 4 holding 600
        update    A s1 rg 30 usu 4 rsu 5       -> granted 5 threshold 1 holding 600
        update    A s1 rg 31 rsu 8             -> granted 8
        terminate A s1 rg 30 usu 5 + rg 31
        account   A                            -> money 9/0
    """,
        "a last grant that isn't said to be the last has a threshold": """
        open      A money 9
        initial   A s1 rg 31 rsu 50            -> granted 9 threshold 8
        repeat    s1                           -> same
        update    A s1 rg 31 usu 1 rsu 50      -> granted 8
        terminate A s1 rg 31 usu 8             -> none
        account   A                            -> money 0/0
    """,
        "thresholds of seconds and of events": """
        open      A money 200
        initial   A s1 context voice rg 130 rsu 30s -> granted 30 threshold 5 holding 45
        initial   A s2 context sms rg 30 rsu    -> granted 10 threshold 2
        terminate A s1 context voice rg 130 usu 20s -> none
        terminate A s2 context sms rg 30 usu 10e -> none
        account   A                            -> money 90/0
        event     A e1 context sms rg 30 rsu 1e -> granted 1
    """,
        "redirected behind the last grant, until there is money": """
        open      A money 60
        initial   A s1 rg 32 rsu 50            -> granted 50 threshold 5
        update    A s1 rg 32 usu 50 rsu 50     -> granted 10 redirect https://top-up.example.net
        repeat    s1                           -> same
        update    A s1 rg 32 usu 10            -> none redirect https://top-up.example.net
        repeat    s1                           -> same
        repeat    s1 back 2                    -> same
        account   A                            -> money 0/0
        clock     1800
        update    A s1 rg 32                   -> none redirect https://top-up.example.net
        top_up    A money 100
        update    A s1 rg 32                   -> granted 50 threshold 5
        repeat    s1                           -> same
        account   A                            -> money 50/50
        update    A s1 rg 32 usu 20            -> none
        terminate A s1 rg 32                   -> none
        account   A                            -> money 80/0
    """,
        "redirected at once, and again while nothing was paid": """
        open      A money 5
        initial   A s1 rg 32 rsu 50 + rg 10 rsu 5 -> granted 5 redirect https://top-up.example.net | 4012
        update    A s1 rg 32 usu 7 rsu 50      -> none redirect https://top-up.example.net
        account   A                            -> money -2/0
        update    A s1 rg 32 rsu 50            -> none redirect https://top-up.example.net
        initial   A s2 rg 32 rsu               -> none redirect https://top-up.example.net
        repeat    s2                           -> same
        top_up    A money 12
        update    A s2 rg 32                   -> granted 10 redirect https://top-up.example.net
        terminate A s2 rg 32 usu 10            -> none
        terminate A s1
        account   A                            -> money 0/0
    """,
        "restricted by a filter of the access device": """
        open      A money 20
        initial   A s1 rg 33 rsu 50            -> granted 20 restrict walled-garden
        update    A s1 rg 33 usu 20            -> none restrict walled-garden
        update    A s1 rg 33 usu 0             -> none restrict walled-garden
        top_up    A money 200
        update    A s1 rg 33 rsu 50            -> granted 50
        terminate A s1 rg 33 usu 50            -> none
        account   A                            -> money 150/0
    """,
        "a session of a redirected user goes on for twice its validity": """
        open      A
        initial   A s1 rg 32 rsu 50            -> none redirect https://top-up.example.net
        clock     3500
        update    A s1 rg 32                   -> none redirect https://top-up.example.net
        clock     3601
        update    A s1 rg 32                   -> !5002
    """,
    }
    | BANDS
    | BILLS
)
