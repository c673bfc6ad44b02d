"""What a request's headers decide before its body is looked at: who may ask.

The body has been read by then: a client that is answered while it still sends may take the stream for broken, and lose the
401 that tells it to get another token.
"""

from granian._granian import RSGIHeaders

from chf_http2.access_tokens import NF_TYPE, TokenChecker, TokenRules
from chf_http2.config import ChfConfig, plmn_of
from chf_http2.edge.token_files import TokenFiles
from chf_http2.routes import Service
from vocabulary.instants import NS_PER_S


class Admission:
    """Looks at the headers of one server's requests. Where nothing is to be checked, it costs a call."""

    def __init__(self, config: ChfConfig, nf_instance_id: str) -> None:
        """ValueError, OSError: the keys of tokens can't be read."""
        self._tokens: TokenChecker | None = None
        self._files: TokenFiles | None = None
        if config.token_keys:
            self._tokens = TokenChecker(_rules_of(config, nf_instance_id), ())
            self._files = TokenFiles(config.token_keys, self._tokens.use_keys)

    def admit(self, headers: RSGIHeaders, service: Service, now_ns: int) -> None:
        """RequestRefused: not with these headers."""
        if self._tokens is not None:
            self._tokens.check(headers.get("authorization"), service.name, now_ns / NS_PER_S)

    def look(self, now_ns: int) -> None:
        """Follow files that change; to be called now and then."""
        if self._files is not None:
            self._files.look(now_ns)


def _rules_of(config: ChfConfig, nf_instance_id: str) -> TokenRules:
    return TokenRules(
        audiences=frozenset({NF_TYPE.lower(), nf_instance_id.lower()} - {""}),
        issuers=frozenset(issuer.lower() for issuer in config.token_issuers),
        plmns=frozenset(map(plmn_of, config.plmns)),
    )
