"""Charging told as scenarios (tests/scenarios/language.py): each runs on the engine alone and through sockets."""

from typing import Final

from tests.scenarios.table_of_accounts import ACCOUNTS
from tests.scenarios.table_of_terms import TERMS

SCENARIOS: Final = (
    {
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
        "numbers may jump": """
        open      A money 100
        initial   A s1 number 3 rg 10 rsu 10   -> granted 10
        update    A s1 number 9 rg 10 usu 10 rsu 10 -> granted 10
        terminate A s1 number 9 rg 10 usu 10   -> none
        account   A                            -> money 80/0
    """,
        "nobody knows the subscriber": """
        initial   Z s1 rg 10 rsu 10            -> !5030
        event     Z s2 context sms rg 1 rsu 1e -> !5030
    """,
        "reports without a session": """
        open      A money 100
        update    A s1 number 4 rg 10 usu 10   -> !5002
        terminate A s1 number 5 rg 10 usu 10   -> !5002
        account   A                            -> money 100/0
    """,
        "nobody has a price, and another offer has one": """
        open      A money 100
        initial   A s1 rg 99 rsu 10 + rg 50 rsu 10 -> 5031 | 5003
        terminate A s1
        open      B offer plus money 100
        initial   B s2 rg 50 rsu 10            -> granted 10
        terminate B s2 rg 50 usu 2             -> none
        account   B                            -> money 94/0
    """,
        "free, not applicable, denied, and a price of nothing": """
        open      A money 100
        initial   A s1 rg 20 rsu + rg 21 rsu + rg 22 rsu + rg 23 rsu -> granted 500 | 4011 | 4010 | granted 70
        update    A s1 rg 20 usu 500 rsu + rg 23 usu 70 rsu -> granted 500 | granted 70
        terminate A s1 rg 20 usu 10
        account   A                            -> money 100/0
    """,
        "services of one session are granted and charged apart": """
        open      A money 100 octets 40 of pack
        initial   A s1 rg 11 rsu 20 + rg 14 rsu 30 -> granted 20 | granted 30
        account   A                            -> money 86/14 octets 10/30
        update    A s1 rg 14 usu 30 rsu 30     -> granted 10 final
        account   A                            -> money 86/14 octets 0/10
        terminate A s1 rg 11 usu 11 + rg 14 usu 10 -> none | none
        account   A                            -> money 86/0 octets 0/0
    """,
        "a service without money stops at its allowance": """
        open      A money 100 octets 20 of pack
        initial   A s1 rg 14 rsu 50            -> granted 20 final
        update    A s1 rg 14 usu 20 rsu 50     -> 4012
        terminate A s1
        account   A                            -> money 100/0 octets 0/0
    """,
        "an MSCC without a rating group": """
        open      A money 100
        initial   A s1 rsu 60                  -> granted 60
        update    A s1 usu 60 rsu 60           -> granted 40 final
        terminate A s1 usu 5                   -> none
        account   A                            -> money 35/0
    """,
        "a session without services": """
        open      A money 100
        initial   A s1                         ->
        update    A s1 rg 10 rsu 10            -> granted 10
        terminate A s1                         ->
        account   A                            -> money 100/0
    """,
        "a report asks for nothing": """
        open      A money 100
        initial   A s1 rg 10 rsu 50            -> granted 50
        update    A s1 rg 10 usu 20            -> none
        account   A                            -> money 80/0
        terminate A s1 rg 10                   -> none
    """,
        "a call by the second": """
        open      A money 100 seconds 20 of minutes
        initial   A s1 context voice rg 100 rsu 30s -> granted 30
        account   A                            -> money 80/20 seconds 0/20
        update    A s1 context voice rg 100 usu 30s rsu -> granted 30
        terminate A s1 context voice rg 100 usu 7s -> none
        account   A                            -> money 66/0 seconds 0/0
    """,
        "a call by the minute": """
        open      A money 350
        initial   A s1 context voice rg 101 rsu 60s -> granted 60
        update    A s1 context voice rg 101 usu 60s rsu 60s -> granted 60
        terminate A s1 context voice rg 101 usu 1s -> none
        account   A                            -> money 150/0
    """,
        "events are paid at once or refused": """
        open      A money 20
        event     A e1 context sms rg 1 rsu 2e -> granted 2
        repeat    e1                           -> same
        account   A                            -> money 2/0
        event     A e2 context sms rg 1 rsu 1e -> 4012
        top_up    A money 100
        repeat    e2                           -> same
        event     A e3 context sms action 1 rg 1 rsu 1e -> !5004
        event     A e4 context sms noaction rg 1 rsu 1e -> !5005
        account   A                            -> money 102/0
    """,
        "a silent session gives back what it held": """
        open      A money 100
        initial   A s1 rg 10 rsu 60            -> granted 60
        clock     7201
        initial   A s2 rg 10 rsu 100           -> granted 100 final
        update    A s1 rg 10 usu 60            -> !5002
        terminate A s2 rg 10 usu 1             -> none
        account   A                            -> money 99/0
    """,
        "a session that only reports goes on": """
        open      A money 100
        initial   A s1 rg 10 rsu 60            -> granted 60
        clock     3600
        update    A s1 rg 10 usu 10            -> none
        clock     3700
        update    A s1 rg 10 usu 5             -> none
        clock     7100
        terminate A s1 rg 10 usu 1             -> none
        account   A                            -> money 84/0
    """,
        "an allowance that ends is taken, and what was held of it when it comes back": """
        open      A money 100 octets 50 of bonus until 600
        initial   A s1 rg 10 rsu 20            -> granted 20
        clock     601
        update    A s1 rg 10 usu 5 rsu 20      -> granted 20
        account   A                            -> money 80/20
        terminate A s1 rg 10 usu 20            -> none
        account   A                            -> money 80/0
    """,
        "an allowance that begins later": """
        open      A money 10 octets 50 of bonus from 600
        initial   A s1 rg 10 rsu 20            -> granted 10 final
        clock     601
        update    A s1 rg 10 usu 10 rsu 20     -> granted 20
        terminate A s1 rg 10 usu 20            -> none
        account   A                            -> money 10/0 octets 20/0
    """,
        "a session begun anew ends the old one": """
        open      A money 100
        initial   A s1 rg 10 rsu 60            -> granted 60
        initial   A s1 rg 10 rsu 70            -> granted 70
        account   A                            -> money 30/70
        terminate A s1 rg 10 usu 70            -> none
        account   A                            -> money 30/0
    """,
        "tenants have subscribers and prices of their own": """
        open      A money 100
        open      B tenant other money 100
        initial   A s1 rg 10 rsu 10            -> granted 10
        initial   B s2 via other rg 10 rsu 10  -> granted 10
        initial   A s3 via other rg 10 rsu 10  -> !5030
        initial   B s4 rg 10 rsu 10            -> !5030
        account   A                            -> money 90/10
        account   B                            -> money 70/30
        terminate A s1 rg 10 usu 10            -> none
        terminate B s2 via other rg 10 usu 10  -> none
        account   A                            -> money 90/0
        account   B                            -> money 70/0
    """,
    }
    | TERMS
    | ACCOUNTS
)
