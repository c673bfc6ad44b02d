"""Scenarios of prices that are settled by bill (docs/charging.md §5.3, §6.2): they are played as those of table.py."""

from typing import Final

BILLS: Final = {
    "postpaid: a grant holds credit, a report is owed, what was billed can be spent again": """
        open      A offer postpaid limit 100
        initial   A s1 rg 10 rsu 60            -> granted 60
        account   A                            -> bill -60/60
        repeat    s1                           -> same
        account   A                            -> bill -60/60
        update    A s1 rg 10 usu 60 rsu 60     -> granted 40 final
        account   A                            -> bill -100/40
        initial   A s2 rg 10 rsu 10            -> 4012
        update    A s1 rg 10 usu 40 rsu 10     -> 4012
        top_up    A bill 70
        account   A                            -> bill -30/0
        update    A s1 rg 10 rsu 10            -> granted 10
        terminate A s1 rg 10 usu 10            -> none
        terminate A s2
        account   A                            -> bill -40/0
    """,
    "postpaid: a late report is owed in full, beyond the credit limit": """
        open      A offer postpaid limit 30
        initial   A s1 rg 10 rsu 60            -> granted 30 final
        update    A s1 rg 10 usu 45 rsu 10     -> 4012
        account   A                            -> bill -45/0
        top_up    A bill 20
        update    A s1 rg 10 rsu 10            -> granted 5 final
        terminate A s1 rg 10 usu 5             -> none
        account   A                            -> bill -30/0
    """,
    "postpaid: money pays nothing that is on the bill": """
        open      A offer postpaid limit 20 money 500
        initial   A s1 rg 10 rsu 60            -> granted 20 final
        terminate A s1 rg 10 usu 20            -> none
        initial   A s2 rg 10 rsu 60            -> 4012
        terminate A s2
        account   A                            -> money 500/0 bill -20/0
    """,
    "postpaid: allowances before the bill, and started blocks": """
        open      A offer postpaid limit 100 octets 30 of bonus
        initial   A s1 rg 10 rsu 20 + rg 11 rsu 5 -> granted 20 | granted 5
        account   A                            -> octets 10/20 bill -7/7
        update    A s1 rg 10 usu 20 rsu 20 + rg 11 usu 5 rsu 3 -> granted 20 | granted 3
        account   A                            -> octets 0/10 bill -17/10
        terminate A s1 rg 10 usu 15 + rg 11 usu 3 -> none | none
        account   A                            -> octets 0/0 bill -12/0
    """,
    "postpaid: redirected at the credit limit until something is settled": """
        open      A offer postpaid limit 20
        initial   A s1 rg 32 rsu 50            -> granted 20 redirect https://pay.example.net
        update    A s1 rg 32 usu 20            -> none redirect https://pay.example.net
        top_up    A bill 20
        update    A s1 rg 32                   -> granted 20 redirect https://pay.example.net
        terminate A s1 rg 32 usu 5             -> none
        account   A                            -> bill -5/0
    """,
    "postpaid: what supervision ends is not owed": """
        open      A offer postpaid limit 100
        initial   A s1 rg 10 rsu 60            -> granted 60
        clock     7201
        update    A s1 rg 10 usu 60 rsu 10     -> !5002
        account   A                            -> bill 0/0
    """,
    "hybrid: some prices from the balance, some on the bill": """
        open      A offer hybrid limit 50 money 30
        initial   A s1 rg 10 rsu 40 + rg 50 rsu 20 -> granted 40 | granted 10 final
        account   A                            -> money 0/30 bill -40/40
        update    A s1 rg 10 usu 40 rsu 40 + rg 50 usu 10 rsu 1 -> granted 10 final | 4012
        account   A                            -> money 0/0 bill -50/10
        top_up    A money 6
        update    A s1 rg 50 rsu 9             -> granted 2 final
        top_up    A bill 40
        update    A s1 rg 10 usu 10 rsu 40 + rg 50 usu 2 -> granted 40 final | none
        terminate A s1 rg 10 usu 1             -> none
        account   A                            -> money 0/0 bill -11/0
    """,
    "hybrid: the credit limit gives nothing to prices of the balance": """
        open      A offer hybrid limit 50
        initial   A s1 rg 50 rsu 5             -> 4012
        update    A s1 rg 50 usu 5             -> none
        account   A                            ->
        top_up    A money 15
        update    A s1 rg 50 usu 10 rsu 5      -> 4012
        account   A                            -> money -15/0
        update    A s1 rg 10 rsu 100           -> granted 50 final
        terminate A s1 rg 10 usu 50            -> none
        account   A                            -> money -15/0 bill -50/0
    """,
    "an account without a bill gets nothing that is settled by bill": """
        open      A offer postpaid money 100
        initial   A s1 rg 10 rsu 40            -> 4012
        update    A s1 rg 10 usu 40            -> none
        terminate A s1
        account   A                            -> money 100/0
    """,
    "events on the bill are owed at once or refused": """
        open      A offer hybrid limit 20 money 9
        event     A e1 context sms rg 1 rsu 2e -> granted 2
        account   A                            -> money 9/0 bill -18/0
        event     A e2 context sms rg 1 rsu 1e -> 4012
        account   A                            -> money 9/0 bill -18/0
        top_up    A bill 18
        event     A e3 context sms rg 1 rsu 1e -> granted 1
        repeat    e3                           -> same
        account   A                            -> money 9/0 bill -9/0
    """,
}
