"""Every maximum of Farebox, named once, and the relations between them, asserted at import.

At a limit we refuse with an outcome, early and cheaply; nothing grows without one. Units are the last word of a name.
"""

from typing import Final

# --- money and units -------------------------------------------------------------------------------------------------
MICROS_MAX: Final = 10**18
"""Largest balance, charge or limit of an account, in micros of its currency: a million times a million units of it."""
CHARGED_MICROS_MAX: Final = 4 * MICROS_MAX
"""Money charged to one account over its whole life; a charge beyond it is refused as one that can't be computed."""
UNITS_MAX: Final = 2**53
"""Largest count of octets, seconds or service-specific units that one report or one bucket holds."""
THRESHOLD_UNITS_MAX: Final = 2**32 - 1
"""Of a grant: the AVPs of thresholds have 32 bits (TS 32.299 §7.2)."""
FINAL_TEXT_OCTETS_MAX: Final = 255
"""An address to redirect to, a filter's id or its rule."""
FINAL_AVPS_OCTETS_MAX: Final = 3 * (FINAL_TEXT_OCTETS_MAX + 1 + 8) + 20
"""These three, each with its header and padding, and Redirect-Server with its type around the first."""
BLOCK_UNITS_MAX: Final = 2**40
"""Largest block that a price is given for."""
PRICE_MICROS_MAX: Final = 10**12
"""Largest price of one block."""

# --- an account's record ---------------------------------------------------------------------------------------------
SESSIONS_PER_ACCOUNT_MAX: Final = 32
SERVICES_PER_ACCOUNT_MAX: Final = 192
SERVICES_WITH_REFUSED_MAX: Final = 64
"""A rating group that is refused before it had quota takes a place only while its account has fewer services than this: a
client that asks for any number of unknown groups leaves 128 places to those that can be granted."""
RESERVATIONS_PER_ACCOUNT_MAX: Final = 250
BUCKETS_PER_ACCOUNT_MAX: Final = 64
PRODUCTS_PER_ACCOUNT_MAX: Final = 16
ENDED_SESSIONS_KEPT_MAX: Final = 8
"""Ended sessions that an account remembers, so that a late retransmission of theirs moves nothing."""
SECTION_ROWS_MAX: Final = 255
"""A section's count is one octet of the directory."""
RECORD_WORDS_MAX: Final = 4096
"""Largest account record, in int64 words."""

# --- a batch -----------------------------------------------------------------------------------------------------------
BATCH_REQUESTS_MAX: Final = 2048
"""Requests of one partition that one commit decides."""
BATCH_MSCCS_MAX: Final = 8192
BATCH_IDENTITIES_MAX: Final = 4096
BATCH_OCTETS_MAX: Final = 4 * 1024 * 1024
"""Octets of the messages that the requests of one batch refer to."""
BATCH_CREDITS_MAX: Final = 4096
"""Buckets that the account commands of one batch open or raise."""
MSCCS_PER_REQUEST_MAX: Final = 32
"""Multiple-Services-Credit-Control AVPs in one request; more are refused with 5009."""
IDENTITIES_PER_REQUEST_MAX: Final = 4
"""Subscription-Id AVPs that one request may carry; later ones are not tried."""
MOVEMENTS_PER_MSCC_MAX: Final = BUCKETS_PER_ACCOUNT_MAX
BATCH_MOVEMENTS_MAX: Final = 32768
REQUESTS_QUEUED_MAX: Final = 65536
"""Requests that wait for one partition before even updates are refused with 3004."""
REQUESTS_QUEUED_NEW_SESSIONS_MAX: Final = 24576
"""Requests that wait for one partition before new sessions are refused with 3004."""
BATCHES_QUEUED_MAX: Final = 64
"""Batches that wait for one partition before even updates are refused: long messages fill a batch's octets, not its rows."""
REQUESTS_LOOKED_UP_MAX: Final = REQUESTS_QUEUED_MAX
"""Requests whose account the store is asked for before even updates are refused with 3004; new sessions: as above."""

# --- hand-off ----------------------------------------------------------------------------------------------------------
HANDED_MOVES_MAX: Final = 3
"""How often a row is handed again after its engine was lost; then nothing more is done for it."""
HANDED_TICKS_MAX: Final = 256
"""Ticks of one front end that are handed over and not answered; while they are so many, further rows gather in few."""
HANDED_OCTETS_MAX: Final = 256 * 1024 * 1024
"""Octets of the messages that one front end keeps until they are answered; beyond them everything is refused with 3004."""
HANDOFF_FRAME_OCTETS_MAX: Final = 8 * 1024 * 1024
"""Largest frame between front end and engine: a full batch."""
HANDOFF_LINKS_MAX: Final = 64
"""Front ends of one engine."""
NODE_SIGNS_MAX: Final = 32
"""Signs of an engine's name."""
ENGINES_MAX: Final = 32
"""Engines that one front end has links to."""
HANDOFF_UNREAD_OCTETS_MAX: Final = 64 * 1024 * 1024
"""Answers that a front end may leave unread before its link is closed."""
LINK_GRACE_S: Final = 5
"""Rows wait so long for a link that is down; then they are refused with 3004 at once."""

# --- wire --------------------------------------------------------------------------------------------------------------
DIAMETER_MESSAGE_OCTETS_MAX: Final = 65532
"""Largest Diameter message that is taken from a peer; a longer one is answered with 5015 and the connection is closed."""
DIAMETER_NESTING_MAX: Final = 8
JSON_NESTING_MAX: Final = 64
"""Lists and objects within one another in a body of Nchf; the types of TS 32.291 reach 13."""
SESSION_ID_OCTETS_MAX: Final = 512
IDENTITY_OCTETS_MAX: Final = 128

# --- time --------------------------------------------------------------------------------------------------------------
EVENT_TIME_SKEW_S_MAX: Final = 300
"""An Event-Timestamp further from receipt than this is not believed."""
VALIDITY_S_MAX: Final = 7 * 86400
ANSWERED_EVENT_KEPT_S: Final = 300
"""How long the answer of an event is kept for its retransmissions."""
ENDED_SESSION_FOUND_S: Final = 300
"""How long a session that ended still names its account, for whoever ends it again and says nobody else who it is."""
UNCOUNTED_REPEAT_S_MAX: Final = 30
"""An update of a peer that never counts, equal to one before, is its repeat if the account was idle no longer than this."""
ANSWER_DEADLINE_S: Final = 8
"""A row that was not sent to the store by then is answered 3004."""

SUPERVISION_DEFAULT_S: Final = 7200
"""Life of a session that holds quota, behind a request that was granted none (Tcc, RFC 8506 §13)."""
SUPERVISION_WITHOUT_QUOTA_S: Final = 86_400
"""Life of one that holds none, where settings don't say another: its client may report once a day, and holds nobody's money."""
SUPERVISION_WITHOUT_QUOTA_S_MAX: Final = 2 * VALIDITY_S_MAX
ROUTE_LIFE_UNIT_S: Final = 14400
"""Session routes and index keys live a whole number of these, at most 255."""

# --- store -------------------------------------------------------------------------------------------------------------
PARTITIONS_MAX: Final = 4096
JOURNAL_ALARM_PERCENT: Final = 80
"""Fill of a partition's journal (of store.journal_mib_max) from which an alarm is logged."""
JOURNAL_FULL_PERCENT: Final = 95
"""Fill from which new sessions are refused; what is open goes on, and has the rest."""
CLOCK_SKEW_NS_MAX: Final = 1_000_000_000
"""Difference between an engine's clock and its store's above which the engine is not ready."""
IDENTITY_MOVES_KEPT: Final = 100_000
"""Identities that changed hands, for processes that may remember whose they were."""
STORE_REQUEST_OCTETS_MAX: Final = 256 * 1024 * 1024
"""Commit, session index keys and load of one exchange."""
STORE_REPLY_OCTETS_MAX: Final = 128 * 1024 * 1024
"""Replies of one exchange; a store that sends more is not ours, and its connection is closed."""
STORE_REPLY_LINE_OCTETS_MAX: Final = 8192
"""Longest error or status line of the store."""
COMMAND_ID_OCTETS_MAX: Final = 128
COMMAND_OCTETS_MAX: Final = 65536
CREDITS_PER_COMMAND_MAX: Final = BUCKETS_PER_ACCOUNT_MAX
REASON_OCTETS_MAX: Final = 255
"""Of the text by which an account command says why."""
COMMANDS_WAITING_MAX: Final = 16384
"""Account commands that one sender has appended and that are not answered yet."""
COMMAND_ANSWER_KEPT_S: Final = 30 * 86400
COMMAND_ID_KEPT_S: Final = 2 * COMMAND_ANSWER_KEPT_S
"""How long an id stands for its command: longer than the answer, which comes later where no engine runs."""
DUE_KEPT_S: Final = 86400
"""How long a due bucket outlives its time."""
TENANTS_MAX: Final = 32767

# --- catalogue ---------------------------------------------------------------------------------------------------------
CATALOG_FILE_OCTETS_MAX: Final = 4 * 1024 * 1024
"""Largest file of a release; a release may be several."""
CATALOG_FILES_MAX: Final = 256
CATALOG_NESTING_MAX: Final = 16
"""Lists and mappings within one another."""
CATALOG_NODES_MAX: Final = 1_000_000
"""Values of a release with its YAML aliases written out, so that a few lines can't become billions."""
CATALOG_FAULTS_MAX: Final = 1000
"""Faults that one report lists; it says how many more there are."""
CATALOG_ID_OCTETS_MAX: Final = 64
CATALOG_NAME_OCTETS_MAX: Final = 200
CATALOG_DESCRIPTION_OCTETS_MAX: Final = 4000
OFFERS_PER_RELEASE_MAX: Final = 4096
ALLOWANCES_PER_RELEASE_MAX: Final = 4096
PRICES_PER_RELEASE_MAX: Final = 65536
SERVICES_PER_PRICE_MAX: Final = 4096
"""Pairs of rating group and service identifier that one price names."""
PRICE_ROWS_PER_RELEASE_MAX: Final = 1_000_000
"""Rows of the tariff tables: services of prices, once for each offer that has them."""
ALLOWANCES_PER_PRICE_MAX: Final = 16
"""Each is compared with each bucket, for each request."""
BANDS_PER_PRICE_MAX: Final = 16
"""Times of the week that a price names; each may begin on seven days."""
ALLOWANCE_VALIDITY_S_MAX: Final = 100 * 366 * 86400
RELEASES_MAX: Final = 4096
"""Releases that a store holds; all of them stay, because products may be pinned to them."""
RELEASE_NUMBER_MAX: Final = 2**31 - 1

# --- messages that we begin ---------------------------------------------------------------------------------------------
SESSION_REQUESTS_WAITING_MAX: Final = 1024
"""RARs and ASRs of one connection whose answers are waited for."""
NOTICES_PER_PARTITION_MAX: Final = 1_000_000
"""Sessions of a partition whose clients are owed a message; a price change waits for room."""
NOTICES_GIVEN_UP_KEPT_MAX: Final = 10_000
"""Sessions of a partition whose message was given up, and that say so; of more the oldest say nothing."""
NOTICE_SERVICES_MAX: Final = 64
"""Services that one message names; of more it says: all."""
NOTICE_FRAME_OCTETS_MAX: Final = 1 << 20
"""Of a frame between the notifier and a front end."""

# --- journal files and charging records ----------------------------------------------------------------------------------
JOURNAL_ENTRY_OCTETS_MAX: Final = 64 * 1024 * 1024
"""Largest journal entry that a segment file holds; a longer length in one is damage."""
SEGMENT_READ_OCTETS_MAX: Final = 8 * 1024 * 1024
"""What a reader of segments takes at once, unless one entry alone is larger."""
RECORD_LINES_MAX: Final = 256
"""Lines (a service at a price) of one charging record; a session with more gets a partial record."""
RECORD_SESSIONS_OPEN_MAX: Final = 2**24
"""Sessions that the record writer keeps open at once."""
RECORD_TEXT_OCTETS_MAX: Final = 2**33
"""Octets of the texts of all open sessions in the record writer."""

assert MICROS_MAX < 2**63 // 4, "four balances must add up without overflow"
assert CHARGED_MICROS_MAX + MICROS_MAX < 2**63, "what was charged and one charge more must not overflow"
assert UNITS_MAX + BLOCK_UNITS_MAX < 2**62, "units plus a carry must not overflow"
assert BATCH_MSCCS_MAX >= BATCH_REQUESTS_MAX
assert BATCH_MOVEMENTS_MAX >= 2 * BATCH_MSCCS_MAX
assert BATCH_OCTETS_MAX >= BATCH_REQUESTS_MAX * 1024
assert BATCH_OCTETS_MAX >= DIAMETER_MESSAGE_OCTETS_MAX
assert MSCCS_PER_REQUEST_MAX <= BATCH_MSCCS_MAX
assert SERVICES_PER_ACCOUNT_MAX <= SECTION_ROWS_MAX
assert RESERVATIONS_PER_ACCOUNT_MAX <= SECTION_ROWS_MAX
assert SESSIONS_PER_ACCOUNT_MAX <= SERVICES_PER_ACCOUNT_MAX - SERVICES_WITH_REFUSED_MAX
assert MSCCS_PER_REQUEST_MAX <= SERVICES_WITH_REFUSED_MAX, "one request's refusals can be kept"
assert 4 * VALIDITY_S_MAX <= 255 * ROUTE_LIFE_UNIT_S, "a route must outlive its session's supervision twice"
assert SUPERVISION_DEFAULT_S <= SUPERVISION_WITHOUT_QUOTA_S <= SUPERVISION_WITHOUT_QUOTA_S_MAX <= 2 * VALIDITY_S_MAX
assert STORE_REPLY_OCTETS_MAX >= BATCH_REQUESTS_MAX * (RECORD_WORDS_MAX * 8 + 64), "a full load must fit"
assert STORE_REQUEST_OCTETS_MAX >= STORE_REPLY_OCTETS_MAX + BATCH_OCTETS_MAX
assert REQUESTS_QUEUED_NEW_SESSIONS_MAX < REQUESTS_QUEUED_MAX
assert REQUESTS_QUEUED_NEW_SESSIONS_MAX >= 20_000, "what 20,000 clients ask of a fresh start at once must be taken"
assert BATCHES_QUEUED_MAX * BATCH_REQUESTS_MAX >= REQUESTS_QUEUED_MAX
assert HANDOFF_FRAME_OCTETS_MAX >= BATCH_OCTETS_MAX + 256 * BATCH_REQUESTS_MAX + 112 * BATCH_MSCCS_MAX
assert LINK_GRACE_S < ANSWER_DEADLINE_S
assert JOURNAL_ALARM_PERCENT < JOURNAL_FULL_PERCENT < 100
assert PRICE_ROWS_PER_RELEASE_MAX < 2**31 // 2, "price_first is int32"
assert JOURNAL_ENTRY_OCTETS_MAX >= 4 * BATCH_OCTETS_MAX, "the journal entry of any batch must fit"
assert RECORD_LINES_MAX >= 2 * MSCCS_PER_REQUEST_MAX
