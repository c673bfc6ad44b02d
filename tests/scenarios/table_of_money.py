"""Scenarios of what balances give and pay (docs/charging.md §5, §6): they are played as those of table.py."""

from typing import Final

MONEY: Final = {
    "a grant holds money, a report charges it, the rest goes back": """
        open      A money 100
        initial   A s1 rg 10 rsu 60            -> granted 60
        account   A                            -> money 40/60
        update    A s1 rg 10 usu 60 rsu 30     -> granted 30
        account   A                            -> money 10/30
        terminate A s1 rg 10 usu 10            -> none
        account   A                            -> money 30/0
    """,
    "two sessions share what is left": """
        open      A money 100
        initial   A s1 rg 10 rsu 60            -> granted 60
        initial   A s2 rg 10 rsu 60            -> granted 40 final
        terminate A s1 rg 10 usu 10            -> none
        account   A                            -> money 50/40
        terminate A s2 rg 10 usu 40            -> none
        account   A                            -> money 50/0
    """,
    "a grant holds several balances, and the credit limit is of the bill alone": """
        open      A limit 30 money 20 priority 2 money 40 until 9000 priority 1 money 5 until 8000 priority 1
        initial   A s1 rg 10 rsu 50            -> granted 50
        account   A                            -> money 15/50
        initial   A s2 rg 10 rsu 50            -> granted 15 final
        account   A                            -> money 0/65
        update    A s1 rg 10 usu 45 rsu 10     -> granted 5 final
        account   A                            -> money 0/20
        terminate A s1 rg 10 usu 5             -> none
        terminate A s2 rg 10 usu 10            -> none
        account   A                            -> money 5/0
    """,
    "what no balance pays alone they pay together": """
        open      A money 4 until 9000 money 3
        initial   A s1 rg 11 rsu 5             -> granted 5
        account   A                            -> money 0/7
        terminate A s1 rg 11 usu 5             -> none
        account   A                            -> money 0/0
        open      B money 4 until 9000 money 5
        event     B e1 context sms rg 1 rsu 1e -> granted 1
        account   B                            -> money 0/0
    """,
    "a balance that ends while it is held still pays": """
        open      A money 30 until 600 money 20
        initial   A s1 rg 10 rsu 40            -> granted 40
        account   A                            -> money 10/40
        clock     601
        update    A s1 rg 10 usu 25 rsu 40     -> granted 20 final
        account   A                            -> money 5/20
        terminate A s1 rg 10 usu 15            -> none
        account   A                            -> money 5/0
    """,
    "more balances than places to hold them: the last is not left out": """
        open      A money 100
        top_up    A money 1 until 9001 money 1 until 9002 money 1 until 9003 money 1 until 9004 money 1 until 9005
        top_up    A money 1 until 9006 money 1 until 9007 money 1 until 9008 money 1 until 9009
        initial   A s1 rg 10 rsu 200           -> granted 107
        account   A                            -> money 2/107
        update    A s1 rg 10 usu 107 rsu 200   -> granted 2 final
        terminate A s1 rg 10 usu 2             -> none
        account   A                            -> money 0/0
    """,
    "allowance before money": """
        open      A money 100 octets 30 of bonus
        initial   A s1 rg 10 rsu 20            -> granted 20
        account   A                            -> money 100/0 octets 10/20
        update    A s1 rg 10 usu 20 rsu 20     -> granted 20
        account   A                            -> money 90/10 octets 0/10
        terminate A s1 rg 10 usu 15            -> none
        account   A                            -> money 95/0 octets 0/0
    """,
    "buckets by priority, then by what ends first": """
        open      A money 5 priority 9 octets 10 of pack priority 2 octets 10 of bonus until 7200 priority 2
        top_up    A octets 10 of bonus until 3000 priority 2 octets 10 of pack until 9000 priority 1
        initial   A s1 rg 10 rsu 15            -> granted 15
        terminate A s1 rg 10 usu 15            -> none
        account   A                            -> money 5/0 octets 25/0
        clock     3100
        account   A                            -> money 5/0 octets 25/0
        initial   A s2 rg 10 rsu 1             -> granted 1
        account   A                            -> money 5/0 octets 19/1
        terminate A s2 rg 10
        account   A                            -> money 5/0 octets 20/0
    """,
    "three places for allowances, the others for money": """
        open      A money 50 octets 5 of pack until 9000 octets 5 of pack until 9001
        top_up    A octets 5 of pack until 9002 octets 5 of pack until 9003
        initial   A s1 rg 10 rsu 30            -> granted 30
        account   A                            -> money 35/15 octets 5/15
        terminate A s1 rg 10 usu 30            -> none
        account   A                            -> money 40/0 octets 0/0
    """,
    "a grant that only the places cut short is not final": """
        open      A octets 5 of pack until 9000 octets 5 of pack until 9001
        top_up    A octets 5 of pack until 9002 octets 5 of pack until 9003
        initial   A s1 rg 14 rsu 30            -> granted 15
        update    A s1 rg 14 usu 15 rsu 30     -> granted 5 final
        terminate A s1 rg 14 usu 5             -> none
        account   A                            -> octets 0/0
    """,
    "a service twice in one request is granted what is there, once": """
        open      A money 100
        initial   A s1 rg 10 rsu 60 + rg 10 rsu 60 -> granted 60 | granted 40 final
        account   A                            -> money 0/100
        update    A s1 rg 10 usu 60 rsu 30 + rg 10 usu 40 -> granted 30 | none
        account   A                            -> money -30/30
        terminate A s1 rg 10 usu 0             -> none
        account   A                            -> money 0/0
    """,
    "a service paid ahead is not granted twice what was paid": """
        open      A money 7
        initial   A s1 rg 11 rsu 5             -> granted 5
        update    A s1 rg 11 usu 5 rsu 5 + rg 11 rsu 5 -> granted 5 final | 4012
        terminate A s1 rg 11 usu 5             -> none
        account   A                            -> money 0/0
    """,
    "a debt has a floor": """
        open      A money 1
        initial   A s1 rg 16 rsu 1             -> 4012
        update    A s1 rg 16 usu 1000000       -> none
        account   A                            -> money -999999999999999999/0
        update    A s1 rg 16 usu 1             -> 5012
        account   A                            -> money -999999999999999999/0
    """,
    "a started block is paid once a session": """
        open      A money 100
        initial   A s1 rg 11 rsu 5             -> granted 5
        account   A                            -> money 93/7
        update    A s1 rg 11 usu 5 rsu 5       -> granted 5
        account   A                            -> money 93/0
        update    A s1 rg 11 usu 5 rsu 5       -> granted 5
        account   A                            -> money 86/7
        terminate A s1 rg 11 usu 1             -> none
        account   A                            -> money 86/0
    """,
    "a started block is paid by each report": """
        open      A money 100
        initial   A s1 rg 12 rsu 5             -> granted 5
        update    A s1 rg 12 usu 5 rsu 5       -> granted 5
        update    A s1 rg 12 usu 5 rsu 5       -> granted 5
        terminate A s1 rg 12 usu 1             -> none
        account   A                            -> money 79/0
    """,
    "a block rounded down is paid when it is full": """
        open      A money 100
        initial   A s1 rg 13 rsu 15            -> granted 15
        update    A s1 rg 13 usu 9 rsu 15      -> granted 15
        account   A                            -> money 79/21
        update    A s1 rg 13 usu 9 rsu 15      -> granted 15
        terminate A s1 rg 13 usu 1             -> none
        account   A                            -> money 93/0
    """,
    "money runs out: the last grant is final, then 4012": """
        open      A money 70
        initial   A s1 rg 10 rsu 50            -> granted 50
        update    A s1 rg 10 usu 50 rsu 50     -> granted 20 final
        update    A s1 rg 10 usu 20 rsu 50     -> 4012
        terminate A s1 rg 10
        account   A                            -> money 0/0
    """,
    "exactly what is left is final, too": """
        open      A money 50
        initial   A s1 rg 10 rsu 50            -> granted 50 final
        terminate A s1 rg 10 usu 50            -> none
        account   A                            -> money 0/0
    """,
    "a top-up goes on": """
        open      A money 20
        initial   A s1 rg 10 rsu 50            -> granted 20 final
        update    A s1 rg 10 usu 20 rsu 50     -> 4012
        top_up    A money 100
        update    A s1 rg 10 rsu 50            -> granted 50
        terminate A s1 rg 10 usu 50            -> none
        account   A                            -> money 50/0
    """,
    "a late report is debited in full, below zero": """
        open      A limit 30 money 10
        initial   A s1 rg 10 rsu 60            -> granted 10 final
        update    A s1 rg 10 usu 45 rsu 10     -> 4012
        terminate A s1
        account   A                            -> money -35/0
    """,
    "no money at all": """
        open      A
        initial   A s1 rg 10 rsu 10            -> 4012
        terminate A s1
        account   A                            ->
    """,
    "4012 where the peer wants it: at command level": """
        open      A money 5
        initial   A s1 via oneservice rg 11 rsu 5 -> !4012
        update    A s1 via oneservice rg 11    -> !5002
        account   A                            -> money 5/0
    """,
    "an empty request gets the price's size": """
        open      A money 1000
        initial   A s1 rg 10 rsu               -> granted 50
        update    A s1 rg 15 rsu 10            -> granted 40
        update    A s1 rg 15 usu 0 rsu 100     -> granted 60
        terminate A s1
        account   A                            -> money 1000/0
    """,
}
