"""Scenarios of accounts that are barred, closed, expire, and are given products; over each interface alike."""

from typing import Final

ACCOUNTS: Final = {
    "an account that is barred": """
        open      A barred money 100
        initial   A s1 rg 10 rsu 10            -> !4010
        event     A s2 context sms rg 1 rsu 1e -> !4010
        account   A                            -> money 100/0
    """,
    "what was used before the first request is paid of whatever account, and nothing more is given": """
        open      A barred money 100
        initial   A s1 rg 10 usu 0 rsu 10      -> !4010
        initial   A s2 rg 10 usu 30            -> none
        initial   A s3 rg 10 usu 20 rsu 10     -> 4010
        account   A                            -> money 50/0
        repeat    s3                           -> same
        update    A s2 rg 10 usu 10 rsu 10     -> 4010
        terminate A s2 rg 10 usu 15            -> none
        terminate A s3 rg 10 usu 50            -> none
        account   A                            -> money -25/0
    """,
    "an account that expires pays its reports and gets no more": """
        open      A until 600 money 100
        initial   A s1 rg 10 rsu 10            -> granted 10
        clock     700
        update    A s1 rg 10 usu 10 rsu 10     -> 4010
        initial   A s2 rg 10 rsu 10            -> !4010
        terminate A s1 rg 10
        account   A                            -> money 90/0
    """,
    "who is barred reports and gets no more until it is active again": """
        open      A money 100
        initial   A s1 rg 10 rsu 20            -> granted 20
        change    A barred                     -> done
        change    A barred                     -> was so
        update    A s1 rg 10 usu 20 rsu 20     -> 4010
        account   A                            -> money 80/0
        initial   A s2 rg 10 rsu 10            -> !4010
        event     A e1 context sms rg 1 rsu 1e -> !4010
        change    A money 5                    -> done
        account   A                            -> money 85/0
        change    A active                     -> done
        update    A s1 rg 10 rsu 30            -> granted 30
        terminate A s1 rg 10 usu 30            -> none
        account   A                            -> money 55/0
    """,
    "who is closed reports, gets nothing, and keeps what is left until it is paid out": """
        open      A money 100
        initial   A s1 rg 10 rsu 20            -> granted 20
        change    A closed                     -> done
        change    A closed                     -> was so
        initial   A s2 rg 10 rsu 10            -> !4010
        update    A s1 rg 10 usu 20 rsu 20     -> 4010
        change    A active                     -> !4010
        change    A barred                     -> !4010
        change    A money 5                    -> !4010
        change    A applies plus               -> !4010
        terminate A s1 rg 10 usu 5             -> none
        account   A                            -> money 75/0
        change    A take money 76              -> !4012
        change    A take money 75              -> done
        account   A                            -> money 0/0
    """,
    "a product is activated, renewed and applied once for each period": """
        open      A money 100
        initial   A s1 rg 50 rsu 10            -> 5003
        change    A applies plus period 0 for 600 fee 30 octets 20 of bonus until 600 -> done
        account   A                            -> money 70/0 octets 20/0
        change    A applies plus period 0 for 600 fee 30 octets 20 of bonus until 600 -> was so
        account   A                            -> money 70/0 octets 20/0
        update    A s1 rg 50 rsu 5             -> granted 5
        terminate A s1
        initial   A s2 rg 10 rsu 15            -> granted 15
        terminate A s2 rg 10 usu 15            -> none
        account   A                            -> money 70/0 octets 5/0
        clock     601
        change    A applies plus period 1 for 600 fee 30 octets 20 of bonus until 600 -> done
        change    A applies plus period 0 for 600 fee 30 -> !5012
        account   A                            -> money 40/0 octets 20/0
        initial   A s3 rg 50 rsu 5             -> granted 5
        terminate A s3
        clock     1200
        initial   A s4 rg 50 rsu 5             -> 5003
        terminate A s4
        account   A                            -> money 40/0
    """,
    "a fee that can't be paid changes nothing": """
        open      A money 20
        change    A applies plus period 0 for 600 fee 30 octets 20 of bonus -> !4012
        account   A                            -> money 20/0
        initial   A s1 rg 50 rsu 10            -> 5003
        initial   A s2 rg 10 rsu 10            -> granted 10
        change    A applies plus period 0 for 600 fee 15 -> !4012
        account   A                            -> money 10/10
        terminate A s2
        change    A applies plus period 0 for 600 fee 15 -> done
        account   A                            -> money 5/0
    """,
    "another plan takes the place of one at once": """
        open      A money 100
        change    A applies plus period 0 for 600 fee 10 ends start -> done
        initial   A s1 rg 50 rsu 10            -> granted 10
        initial   A s2 rg 11 rsu 10            -> 5003
        account   A                            -> money 60/30
    """,
    "an adjustment takes what is there": """
        open      A money 50 octets 30 of bonus
        change    A take octets 31 of bonus    -> !4012
        change    A take octets 10 of bonus take money 50 -> done
        account   A                            -> money 0/0 octets 20/0
        change    A take money 1               -> !4012
        change    A take octets 99 of bonus money 5 -> !4012
        account   A                            -> money 0/0 octets 20/0
    """,
}
