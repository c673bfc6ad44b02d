"""Scenarios of prices by the time of the week (docs/charging.md §4 to §6): they are played as those of table.py."""

from typing import Final

BANDS: Final = {
    "a grant into a dearer time holds the dearer price, and its usage is split": """
        open      A money 300
        clock     until mon 07:50
        initial   A s1 rg 40 rsu 50            -> granted 50 change 08:00
        account   A                            -> money 150/150
        repeat    s1                           -> same
        clock     until mon 08:05
        update    A s1 rg 40 usu 50 before 20 rsu 10 -> granted 10
        account   A                            -> money 160/30
        repeat    s1                           -> same
        account   A                            -> money 160/30
        terminate A s1 rg 40 usu 10            -> none
        account   A                            -> money 160/0
    """,
    "into a cheaper time, and all of it was used before": """
        open      A money 300
        clock     until fri 19:50
        initial   A s1 rg 40 rsu 50            -> granted 50 change 20:00
        account   A                            -> money 150/150
        clock     until fri 20:05
        update    A s1 rg 40 usu 50 before 50 rsu 50 -> granted 50
        account   A                            -> money 100/50
        terminate A s1 rg 40 usu 50            -> none
        account   A                            -> money 100/0
    """,
    "usage that nobody splits costs what it costs when it ends": """
        open      A money 300
        clock     until tue 07:50
        initial   A s1 rg 40 rsu 50            -> granted 50 change 08:00
        clock     until tue 08:05
        update    A s1 rg 40 usu 50 rsu 10     -> granted 10
        account   A                            -> money 120/30
        terminate A s1 rg 40 usu 10            -> none
        account   A                            -> money 120/0
    """,
    "no change is told where none comes before the grant ends": """
        open      A money 100
        clock     until sat 07:50
        initial   A s1 rg 40 rsu 20            -> granted 20
        clock     until sat 08:05
        update    A s1 rg 40 usu 20 before 20 rsu 20 -> granted 20
        account   A                            -> money 60/20
        terminate A s1 rg 40 usu 20 before 0   -> none
        account   A                            -> money 60/0
    """,
    "what money can't pay at the dearer time is granted until that begins": """
        open      A money 60
        clock     until wed 07:50
        initial   A s1 rg 40 rsu 50            -> granted 50
        account   A                            -> money 10/50
        repeat    s1                           -> same
        clock     until wed 08:05
        update    A s1 rg 40 usu 50 before 50 rsu 50 -> granted 3 final
        account   A                            -> money 1/9
        terminate A s1 rg 40 usu 3             -> none
        account   A                            -> money 1/0
    """,
    "nights are free, also for who can't pay the day": """
        open      A money 2
        clock     until sun 07:50
        initial   A s1 rg 41 rsu 50            -> granted 50
        clock     until sun 07:55
        update    A s1 rg 41 usu 50 rsu 50     -> granted 50
        clock     until sun 08:05
        update    A s1 rg 41 usu 50 before 50 rsu 50 -> 4012
        terminate A s1 rg 41 usu 5             -> none
        account   A                            -> money -23/0
    """,
    "an allowance pays for what was used first": """
        open      A money 100 octets 30 of bonus
        clock     until thu 07:50
        initial   A s1 rg 40 rsu 50            -> granted 50 change 08:00
        account   A                            -> money 40/60 octets 0/30
        clock     until thu 08:05
        terminate A s1 rg 40 usu 50 before 40  -> none
        account   A                            -> money 60/0
    """,
    "a block that was begun before the change is paid before it": """
        open      A money 100
        clock     until mon 07:50
        initial   A s1 rg 42 rsu 20            -> granted 20 change 08:00
        account   A                            -> money 82/18
        clock     until mon 08:05
        terminate A s1 rg 42 usu 15 before 5   -> none
        account   A                            -> money 84/0
    """,
    "seconds of a call are split by themselves": """
        open      A money 100
        clock     until mon 07:59
        initial   A s1 context voice rg 140 rsu 120s -> granted 120
        account   A                            -> money 96/4
        clock     until mon 08:01
        terminate A s1 context voice rg 140 usu 120s -> none
        account   A                            -> money 97/0
    """,
    "events cost what they cost when they happen": """
        open      A money 100
        clock     until mon 07:50
        event     A e1 context sms rg 40 rsu 2e -> granted 2
        account   A                            -> money 82/0
        initial   A s1 context sms rg 40 rsu 3e -> granted 3 change 08:00
        account   A                            -> money 55/27
        clock     until mon 08:05
        event     A e2 context sms rg 40 rsu 2e -> granted 2
        terminate A s1 context sms rg 40 usu 3e before 1e -> none
        account   A                            -> money 57/0
    """,
    "a client that can't split is granted until the price changes": """
        open      A money 300
        clock     until mon 07:50
        initial   A s1 via unsplit rg 40 rsu 50 -> granted 50
        account   A                            -> money 250/50
        clock     until mon 08:05
        update    A s1 via unsplit rg 40 usu 50 before 50 rsu 50 -> granted 50
        account   A                            -> money 100/150
        terminate A s1 via unsplit rg 40       -> none
        account   A                            -> money 250/0
    """,
}
