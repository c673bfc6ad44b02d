"""Scenarios of requests that come again (docs/charging.md §3, §8): they are played as those of table.py."""

from typing import Final

REPEATS: Final = {
    "repeats move nothing and get the same answer": """
        open      A money 100
        initial   A s1 rg 10 rsu 60            -> granted 60
        repeat    s1                           -> same
        update    A s1 rg 10 usu 10 rsu 20     -> granted 20
        repeat    s1                           -> same
        repeat    s1 back 2                    -> same
        account   A                            -> money 70/20
        terminate A s1 rg 10 usu 20            -> none
        repeat    s1                           -> none
        account   A                            -> money 70/0
    """,
    "a late repeat of the initial request moves nothing": """
        open      A money 100
        initial   A s1 rg 10 rsu 20            -> granted 20
        update    A s1 rg 10 usu 20 rsu 20     -> granted 20
        update    A s1 rg 10 usu 20 rsu 20     -> granted 20
        repeat    s1 back 3                    -> none
        repeat    s1 back 1                    -> same
        repeat    s1 back 2                    -> same
        account   A                            -> money 40/20
        terminate A s1 rg 10 usu 20            -> none
        repeat    s1 back 4                    -> !5002
        repeat    s1 back 1                    -> none
        account   A                            -> money 40/0
    """,
    "equal reports of a peer that never counts are two after a while": """
        open      A money 100
        initial   A s1 number 0 via uncounted rg 10 rsu 20 -> granted 20
        update    A s1 number 0 via uncounted rg 10 usu 20 rsu 20 -> granted 20
        clock     20
        repeat    s1                           -> same
        account   A                            -> money 60/20
        clock     11
        repeat    s1                           -> same
        account   A                            -> money 40/20
        repeat    s1                           -> same
        account   A                            -> money 40/20
        terminate A s1 number 0 via uncounted rg 10 usu 20 -> none
        account   A                            -> money 40/0
    """,
    "a repeat after the money is gone is still granted": """
        open      A money 60
        initial   A s1 rg 10 rsu 60            -> granted 60 final
        initial   A s2 rg 10 rsu 10            -> 4012
        repeat    s1                           -> same
        repeat    s2                           -> same
        terminate A s1 rg 10 usu 60            -> none
        repeat    s2                           -> same
        terminate A s2
        account   A                            -> money 0/0
    """,
    "the same number with another body contradicts": """
        open      A money 100
        initial   A s1 rg 10 rsu 60            -> granted 60
        update    A s1 rg 10 usu 10 rsu 20     -> granted 20
        update    A s1 number 1 rg 10 usu 30 rsu 20 -> !5004
        account   A                            -> money 70/20
        terminate A s1 rg 10                   -> none
    """,
    "peers that never count are told apart by their bodies": """
        open      A money 100
        initial   A s1 number 0 via uncounted rg 10 rsu 60 -> granted 60
        update    A s1 number 0 via uncounted rg 10 usu 10 rsu 20 -> granted 20
        repeat    s1                           -> same
        update    A s1 number 0 via uncounted rg 10 usu 11 rsu 20 -> granted 20
        account   A                            -> money 59/20
        terminate A s1 number 0 via uncounted rg 10 usu 1 -> none
        account   A                            -> money 78/0
    """,
    "of peers that never count nor say when two answers are known": """
        open      A money 100
        initial   A s1 number 0 via uncounted rg 10 rsu 60 -> granted 60
        update    A s1 number 0 via uncounted rg 10 usu 10 rsu 20 -> granted 20
        update    A s1 number 0 via uncounted rg 10 usu 11 rsu 20 -> granted 20
        update    A s1 number 0 via uncounted rg 10 usu 12 rsu 20 -> granted 20
        update    A s1 number 0 via uncounted rg 10 usu 13 rsu 20 -> granted 20
        repeat    s1 back 2                    -> same
        repeat    s1 back 1                    -> same
        account   A                            -> money 34/20
        terminate A s1 number 0 via uncounted rg 10 usu 1 -> none
        account   A                            -> money 53/0
    """,
    "numbers may jump": """
        open      A money 100
        initial   A s1 number 3 rg 10 rsu 10   -> granted 10
        update    A s1 number 9 rg 10 usu 10 rsu 10 -> granted 10
        terminate A s1 number 9 rg 10 usu 10   -> none
        account   A                            -> money 80/0
    """,
}
