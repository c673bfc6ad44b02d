"""Access tokens that were verified: a front end keeps their digests, so that a request which has one again costs no Python."""

import numpy as np

from chf_http2.front_memory import HELD_FRONT
from chf_http2.routes import SERVICES
from chf_http2.streams.memory import ABSENT
from vocabulary.digest import digest128
from vocabulary.held import held
from vocabulary.ids import NCHF_TOKEN_DOMAIN
from vocabulary.kernel import kernel


def services_of(scope: frozenset[str]) -> int:
    """The services that a scope has, a bit for each row of SERVICES."""
    return sum(1 << place for place, one in enumerate(SERVICES) if one.name in scope)


@kernel
def has_known_token(front, one, service, now_ns):
    """Has the request a token that was verified, is valid still, and is for the service?"""
    if one.authorization_at == ABSENT:
        return False
    at, length = np.int64(one.authorization_at), np.int64(one.authorization_length)
    high, low = digest128(front.streams.texts, at, length, front.tick.secret, NCHF_TOKEN_DOMAIN)
    place = np.int64(low & np.uint64(front.token_digests.shape[0] - 1))
    return (
        front.token_digests[place, 0] == high
        and front.token_digests[place, 1] == low
        and front.token_ends[place, 0] > now_ns
        and (front.token_ends[place, 1] >> service) & 1 == 1
    )


@kernel
def learn_token(front_octets, authorization, until_ns, services):
    """Remember an Authorization header, uint8[], whose token is valid until then for services (`services_of`)."""
    front = held(front_octets, HELD_FRONT)
    length = np.int64(authorization.shape[0])
    high, low = digest128(authorization, np.int64(0), length, front.tick.secret, NCHF_TOKEN_DOMAIN)
    place = np.int64(low & np.uint64(front.token_digests.shape[0] - 1))
    front.token_digests[place, 0], front.token_digests[place, 1] = high, low
    front.token_ends[place, 0], front.token_ends[place, 1] = until_ns, services


@kernel
def forget_tokens(front_octets):
    """Each is to be verified again."""
    held(front_octets, HELD_FRONT).token_ends[:, 0] = 0
