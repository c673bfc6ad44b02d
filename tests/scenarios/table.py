"""Charging told as scenarios (tests/scenarios/language.py): each runs on the engine alone and through sockets."""

from typing import Final

from tests.scenarios.table_of_accounts import ACCOUNTS
from tests.scenarios.table_of_money import MONEY
from tests.scenarios.table_of_repeats import REPEATS
from tests.scenarios.table_of_terms import TERMS

SCENARIOS: Final = (
    MONEY
    | REPEATS
    | {
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
        "events that were given are owed": """
        open      A money 20
        event     A e1 context sms rg 1 usu 2e -> none
        account   A                            -> money 2/0
        event     A e2 context sms rg 1 usu 2e -> none
        repeat    e2                           -> same
        account   A                            -> money -16/0
        event     A e3 context sms rg 1 rsu 1e -> 4012
        event     A e4 context sms rg 1 rsu 1e usu 1e -> 4012
        account   A                            -> money -16/0
    """,
        "an event of 0 of the unit that counts is refused": """
        open      A money 20
        event     A e1 context sms rg 1 rsu 0e 140 -> !5004
        account   A                            -> money 20/0
        event     A e2 context sms rg 1 rsu 140 -> granted 1
        account   A                            -> money 11/0
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
        "a session without quota is silent for a day": """
        open      A money 100
        initial   A s1 rg 10                   -> none
        clock     86399
        update    A s1 rg 10 usu 10            -> none
        clock     86399
        update    A s1 rg 10 usu 10 rsu 20     -> granted 20
        update    A s1 rg 10 usu 20            -> none
        clock     86401
        update    A s1 rg 10 usu 10            -> !5002
        account   A                            -> money 60/0
    """,
        "quota of a session that began without comes back in time": """
        open      A money 100
        initial   A s1 rg 10                   -> none
        update    A s1 rg 10 rsu 60            -> granted 60
        clock     7201
        update    A s1 rg 10 usu 60            -> !5002
        account   A                            -> money 100/0
    """,
        "what another service holds comes back in time": """
        open      A money 100
        initial   A s1 rg 10 rsu 60            -> granted 60
        clock     3600
        update    A s1 rg 11                   -> none
        clock     7201
        update    A s1 rg 11 usu 10            -> !5002
        account   A                            -> money 100/0
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
